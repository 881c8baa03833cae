"""Instants on pages: in one format, in the zone of who looks, with the zone's name for who wants to know."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import User
from records import moments

AT = dt.datetime(2026, 11, 23, 22, 15, 7, tzinfo=dt.UTC)
STOCKHOLM = zoneinfo.ZoneInfo("Europe/Stockholm")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
#: Filters of Django's own, which write dates in a format each, and without a zone.
OTHER_FORMATS = re.compile(
    r"""\|(?:naturaltime|(?:date|time)(?![:\w])|(?:date|time):(?!["'](?:c|YEAR_MONTH_FORMAT|F Y)["']))"""
)


def test_an_instant_is_written_in_the_zone_of_who_looks() -> None:
    assert moments.moment(AT) == "Nov. 23, 2026, 10:15 p.m."
    with timezone.override(STOCKHOLM):
        assert moments.moment(AT) == "Nov. 23, 2026, 11:15 p.m."
        assert moments.moment_to_the_second(AT) == "Nov. 23, 2026, 11:15:07 p.m."
        assert moments.day(AT + dt.timedelta(hours=2)) == "Nov. 24, 2026"
        assert moments.in_full(AT) == "Monday, Nov. 23, 2026, 11:15:07 p.m., Europe/Stockholm (UTC+01:00)"
        summer = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
        assert moments.in_full(summer).endswith("2:00:00 a.m., Europe/Stockholm (UTC+02:00)")
    assert moments.in_full(AT) == "Monday, Nov. 23, 2026, 10:15:07 p.m., UTC"


def test_on_a_page_it_is_a_time_with_its_zone_as_title() -> None:
    page = Template(
        '{% load i18n moments %}{{ at|moment:"muted" }}|{{ at|second }}|{{ at|day }}|{{ none|moment }}{{ none|ago }}|'
        "{% blocktranslate with when=at|moment %}On {{ when }}{% endblocktranslate %}|{{ at|moment_text }}"
    )
    with timezone.override(STOCKHOLM):
        found = page.render(Context({"at": AT, "none": None})).split("|")
    title = "Monday, Nov. 23, 2026, 11:15:07 p.m., Europe/Stockholm (UTC+01:00)"
    title = f'datetime="2026-11-23T23:15:07+01:00" title="{title}"'
    assert found == [
        f'<time class="muted" {title}>Nov. 23, 2026, 11:15 p.m.</time>',
        f"<time {title}>Nov. 23, 2026, 11:15:07 p.m.</time>",
        f"<time {title}>Nov. 23, 2026</time>",
        "",
        f"On <time {title}>Nov. 23, 2026, 11:15 p.m.</time>",
        "Nov. 23, 2026, 11:15 p.m.",
    ]


def test_no_page_of_the_admin_writes_an_instant_in_another_format() -> None:
    others = [
        f"{path.relative_to(TEMPLATES)}: {found}"
        for path in sorted((TEMPLATES / "admin").rglob("*.html"))
        for found in OTHER_FORMATS.findall(path.read_text())
    ]
    assert others == []


@pytest.mark.django_db
def test_every_page_says_in_which_zone_its_times_are(client: Client) -> None:
    ann = User.objects.create_superuser("ann", time_zone="Europe/Stockholm")
    login = client.get(reverse("admin:login")).content.decode()
    assert "Times without a zone" not in login
    client.force_login(ann)
    for name in ("index", "enrollment_log", "workflows_auditentry_changelist", "enrollment_attention"):
        page = client.get(reverse(f"admin:{name}")).content.decode()
        assert "Times without a zone are shown in Europe/Stockholm." in page, name
        assert "Time zone: Europe/Stockholm" in page, name
