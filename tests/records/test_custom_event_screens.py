"""Custom events in the admin: defined with their properties, kept while used; a record's timeline tells of events."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.models import Contact, User
from records import segments
from records.clock import database_now
from records.happening import happen
from records.models import CustomEventType
from records.object_types import object_types

pytestmark = pytest.mark.django_db
ADD = reverse("admin:records_customeventtype_add")


@pytest.fixture
def boss(client):
    user = User.objects.create_superuser("boss")
    client.force_login(user)
    return user


def sent(*properties: dict[str, str], **facts: str) -> dict[str, str]:
    data = {"label": "Licence used", "slug": "", "object_type": "contact", "description": "", **facts}
    data |= {"properties-TOTAL_FORMS": str(len(properties)), "properties-INITIAL_FORMS": "0"}
    for place, one in enumerate(properties):
        blank = {"label": "", "slug": "", "type": "text", "options": ""}
        data |= {f"properties-{place}-{key}": value for key, value in (blank | one).items()}
    return data


@pytest.mark.covers("EVT-27")
def test_a_custom_event_is_defined_with_its_properties_and_used_at_once(client, boss):
    plan = {"label": "Plan", "type": "select", "options": "basic\npro: Professional"}
    answer = client.post(ADD, sent({"label": "Seats", "type": "number"}, plan))
    assert answer.status_code == 302, answer.content.decode()
    kind = CustomEventType.objects.get()
    assert (kind.slug, [prop.slug for prop in kind.properties.all()]) == ("licence_used", ["seats", "plan"])
    ann = Contact.objects.create(email="ann@example.com")
    happen("licence_used", "contact", [ann.pk], properties={"seats": 5, "plan": "pro"}, now=database_now())
    page = client.get(reverse("admin:crm_contact_change", args=[ann.pk])).content.decode()
    assert "Licence used" in page
    assert "Seats: 5, Plan: Professional" in page
    assert client.get(reverse("admin:records_customeventtype_changelist")).status_code == 200
    assert client.get(reverse("admin:records_customeventtype_change", args=[kind.pk])).status_code == 200


def test_what_cannot_be_an_event_is_said_at_its_field(client, boss):
    page = client.post(ADD, sent({"label": "Plan", "type": "select"}, slug="page_viewed")).content.decode()
    assert "There already is an event “page_viewed”" in page
    assert "A select property needs options" in page
    assert not CustomEventType.objects.exists()


def test_an_event_that_filters_ask_for_is_not_deleted(client, boss):
    client.post(ADD, sent())
    kind = CustomEventType.objects.get()
    document = {"all": [{"event": "licence_used", "operator": "has_occurred"}]}
    segment = segments.create(document, object_types["contact"], now=database_now())
    delete = reverse("admin:records_customeventtype_delete", args=[kind.pk])
    page = client.post(delete, {"post": "yes"}, follow=True).content.decode()
    assert "is used by workflows or lists" in page
    assert CustomEventType.objects.exists()
    segment.delete()
    assert "It has happened 0 times" in client.get(delete).content.decode()
    client.post(delete, {"post": "yes"})
    assert not CustomEventType.objects.exists()
