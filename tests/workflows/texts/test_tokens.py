"""Tokens fill texts with plain values, and nothing a person writes is ever evaluated."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from crm.models import Contact, Deal, User
from records.models import PropertyDefinition
from records.object_types import object_types
from workflows.texts import tokens

pytestmark = pytest.mark.django_db


def rendered(template, record=None, target="text", slug="deal"):
    record = record or Deal.objects.create(name="Big <b>one</b>\nnow")
    return tokens.render_many(template, object_types[slug], [record], target=target)[record.pk]


@pytest.fixture
def deal(db):
    owner = User.objects.create(username="amy", first_name="Amy", last_name="Lind", email="amy@example.com")
    PropertyDefinition.objects.create(object_type="deal", slug="seats", label="Seats", type="number")
    return Deal.objects.create(
        name="Big", amount="12345.60", close_date=dt.date(2026, 11, 22), owner=owner, custom={"seats": 3}, stage="won"
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Call {{ deal.name }}!", "Call Big!"),
        ('{{ deal.currency | default: "SEK" }}', "SEK"),
        ("{{ deal.owner }} <{{ owner.email }}>", "Amy Lind <amy@example.com>"),
        ("{{ deal.owner.first_name | upper }}", "AMY"),
        ('{{ deal.close_date | date: "%-d %B %Y" }}', "22 November 2026"),
        ("{{ deal.amount | number: 1 }}", "12,345.6"),
        ("{{ deal.seats }} {{deal.probability}}.", "3 ."),
        ('{{ deal.name | truncate: 2, "" }}', "Bi"),
        ("{{ deal.name | append_nothing }}", None),
        ("no tokens { here }", "no tokens { here }"),
        ("${7*7} #{7*7} <%= 7*7 %> {7*7}", "${7*7} #{7*7} <%= 7*7 %> {7*7}"),
    ],
)
def test_a_token_becomes_what_a_person_would_read(deal, template, text):
    if text is None:
        assert tokens.check(template, object_types["deal"])
        return
    assert rendered(template, deal) == text
    assert tokens.check(template, object_types["deal"]) == []


def test_values_are_written_for_where_they_go(deal):
    Deal.objects.filter(pk=deal.pk).update(name="<b>A</b>\r\nBcc: x@example.com")
    deal.refresh_from_db()
    assert rendered("{{ deal.name }}", deal, "html") == "&lt;b&gt;A&lt;/b&gt;\r\nBcc: x@example.com"
    assert rendered("Re: {{ deal.name }}", deal, "line") == "Re: <b>A</b> Bcc: x@example.com"
    assert (
        rendered("{{ deal.amount }} {{ deal.owner }} {{ deal.close_date }}", deal, "value") == "12345.6 amy 2026-11-22"
    )


@pytest.mark.parametrize(
    "attack",
    [
        "{{ deal.owner.password }}",
        "{{ deal.owner.is_superuser }}",
        "{{ owner.password }}",
        "{{ deal.delete }}",
        "{{ deal._meta.app_label }}",
        "{{ deal.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ deal['name']['__class__'] }}",
        "{{ deal[owner.email] }}",
        "{{ (1..1000000000) }}",
        "{{ 10000000000 | times: 10000000000 }}",
        "{{ deal.name | times: 1000000000 }}",
        "{{ deal.name | truncate: 99999999999 }}",
        "{{ deal.name | append: deal.name }}",
        "{{ deal.name | default: owner.password }}",
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% include 'settings' %}",
        "{% render 'x' %}",
        "{% assign x = deal %}{{ x }}",
        "{% debug %}",
        "{# comment #}{% comment %}",
        "{{ settings.SECRET_KEY }}",
        "{{ request.user }}",
        "{{ self }}",
        "{{ deal.name | safe }}",
        "{{ deal.name | raw }}",
        "{{ deal }}",
        "{{ deal.custom }}",
        "{{ contact.email }}",
        "{{ deal.name",
        "{{ }}",
        "{{" * 5_000,
        "{{" * 500_000,
        "{% " * 5_000,
        "{{ '" * 200 + "}}" * 200,
        "{{" + " " * 60_000 + "}}",
        "x" * 70_000,
        "{{ deal.name }}" * 201,
        "{{ " + "deal." * 3_000 + "name }}",
        "{{ deal.name" + " | upper" * 20_000 + " }}",
    ],
)
def test_an_attack_is_refused_with_a_sentence_at_once(attack):
    # What this thread computes, not how long it waits for a core: an attack that works takes minutes of that.
    started = time.thread_time()
    problems = tokens.check(attack, object_types["deal"])
    assert problems
    assert time.thread_time() - started < 5


def test_a_token_that_is_not_allowed_renders_as_nothing_even_if_it_got_past_the_check(deal):
    User.objects.filter(username="amy").update(password="secret-hash")
    attack = "{{ deal.owner.password }}{{ owner.password }}{{ deal.custom }}{{ deal._state }}{{ x.y }}|"
    assert rendered(attack, deal) == "|"


def test_a_date_pattern_cannot_ask_for_a_billion_digits(deal):
    assert rendered('{{ deal.close_date | date: "%500000000d|%Q|%%" }}', deal) == "%500000000d||%"


def test_output_is_limited():
    contact = Contact.objects.create(first_name="x", custom={})
    PropertyDefinition.objects.create(object_type="contact", slug="essay", label="Essay", type="multi_line")
    Contact.objects.filter(pk=contact.pk).update(custom={"essay": "y" * 60_000})
    contact.refresh_from_db()
    with pytest.raises(tokens.TokenError, match="characters"):
        rendered("{{ contact.essay }}" * 20, contact, slug="contact")


def test_an_unknown_token_names_the_ones_there_are():
    [problem] = tokens.check("Hi {{ deal.nmae }}", object_types["deal"])
    assert "deal.nmae" in problem.message and "deal.name" in problem.message and problem.code == "unknown_token"


def test_five_hundred_records_need_as_many_queries_as_one(deal, django_assert_num_queries):
    deals = Deal.objects.bulk_create(Deal(name=f"D{i}", owner=deal.owner, stage="won", custom={}) for i in range(500))
    template = "{{ deal.name }} {{ deal.stage }} {{ deal.owner }} {{ owner.email }} {{ deal.seats }}"
    for records in (deals[:1], deals):
        # Properties, the stages' labels, the owners.
        with django_assert_num_queries(3):
            found = tokens.render_many(template, object_types["deal"], records)
    assert len(found) == 500
