"""The events of a trigger in the panel: chosen, set, filtered, taken out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse

from crm.models import User
from workflows.definitions.parsing import parse
from workflows.editor.panels import Panel

pytestmark = pytest.mark.django_db
PRICING = [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]


def panel(*events: dict[str, Any], sent: dict[str, str] | None = None) -> Panel:
    document = {
        "format": 1, "object": "contact", "steps": [], "trigger": {"kind": "event", "events": list(events)},
    }  # fmt: skip
    data = None
    if sent is not None:
        data = QueryDict(mutable=True)
        data.update({"kind": "event", **sent})
    return Panel(parse(document), "trigger", data)


def trigger(found: Panel) -> dict[str, Any]:
    op: Any = found.op()
    return op["trigger"]


@pytest.mark.covers("EVT-28", "TRG-16")
def test_events_are_offered_by_category_with_their_filters_and_one_more_place():
    form = panel({"event": "page_viewed", "where": PRICING}, {"event": "property_changed", "property": "city"})
    assert form.trigger is not None and form.trigger.events is not None
    first, second, empty = form.trigger.events.items
    headings = [name for name, _group in first.choice.fields["event"].choices if name]
    assert {"Records", "Page views", "Forms", "Marketing email", "Workflows"} <= set(headings)
    assert list(first.settings.fields) == ["where"]
    assert json.loads(str(first.settings["where"].field.widget.format_value(first.settings["where"].value()))) == {
        "any": [{"all": PRICING}]
    }
    assert list(second.settings.fields) == ["property", "values", "where"]
    assert empty.settings is None


def test_what_was_sent_becomes_the_events_of_the_trigger():
    sent = {
        "event-0-event": "page_viewed", "event-0-was": "page_viewed",
        "event-0-where": json.dumps({"any": [{"all": PRICING}]}),
        "event-1-event": "property_changed", "event-1-was": "property_changed", "event-1-property": "city",
        "event-2-event": "cta_clicked", "event-2-was": "",
        "criteria": json.dumps({"any": [{"all": [{"property": "city", "operator": "is_known"}]}]}),
    }  # fmt: skip
    assert trigger(panel({"event": "page_viewed"}, sent=sent)) == {
        "kind": "event",
        "events": [
            {"event": "page_viewed", "where": PRICING},
            {"event": "property_changed", "property": "city"},
            {"event": "cta_clicked"},
        ],
        "criteria": {"any": [{"all": [{"property": "city", "operator": "is_known"}]}]},
    }


def test_another_event_forgets_the_settings_of_the_one_before_and_none_takes_it_out():
    sent = {
        "event-0-event": "cta_clicked", "event-0-was": "page_viewed",
        "event-0-where": json.dumps({"any": [{"all": PRICING}]}),
        "event-1-event": "", "event-1-was": "form_submitted", "event-2-event": "", "event-2-was": "",
    }  # fmt: skip
    found = trigger(panel({"event": "page_viewed"}, {"event": "form_submitted"}, sent=sent))
    assert found["events"] == [{"event": "cta_clicked"}]


def test_filters_that_are_not_finished_are_kept():
    unfinished = [{"property": "url", "operator": "contains_any_of", "value": []}]
    sent = {
        "event-0-event": "page_viewed", "event-0-was": "page_viewed",
        "event-0-where": json.dumps({"any": [{"all": unfinished}]}),
    }  # fmt: skip
    assert trigger(panel(sent=sent))["events"] == [{"event": "page_viewed", "where": unfinished}]


@pytest.mark.parametrize("slug", ["event:page_viewed", "change:contact.city"])
def test_the_builder_knows_what_filters_on_an_event_are_about(client, slug):
    address = reverse("records:criteria-catalog", args=[slug])
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(address).status_code == 403
    client.force_login(User.objects.create_superuser("boss"))
    found = client.get(address).json()
    assert {prop["slug"] for prop in found["properties"]} >= ({"url"} if slug.startswith("event") else {"old", "new"})
    where = {"any": [{"all": [{"property": found["properties"][0]["slug"], "operator": "is_known"}]}]}
    counted = client.post(
        reverse("records:criteria-count", args=[slug]), {"criteria": where}, content_type="application/json"
    ).json()
    assert counted["summary"] == "0 such events so far"
    assert client.get(reverse("records:criteria-catalog", args=["event:nope"])).status_code == 404
