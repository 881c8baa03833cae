"""The trigger's panel: choosing a family, choosing another one, trying a record."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from crm.models import Contact, Deal
from records.associations import associate
from records.clock import database_now
from records.criteria.catalog import catalog
from records.object_types import object_types
from tests.api.conftest import person
from tests.workflows.publishing_deals import BIG, boss, inside, live, settle
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.editor.panels import Panel
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow
from workflows.registries import triggers

pytestmark = pytest.mark.django_db
FILTER = {"kind": "filter", "criteria": {"any": [{"all": [BIG]}]}, "reenroll": ["any.0.all.0"]}
WON = {"property": "stage", "operator": "is_any_of", "value": ["won"]}
KNOWN = {"property": "name", "operator": "is_known"}
STEPS = [{"id": "end", "action": "end"}]


def document(trigger: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"format": 1, "object": "deal", "steps": STEPS, **({} if trigger is None else {"trigger": trigger}), **more}


def panel(trigger: dict[str, Any] | None, sent: dict[str, str] | None = None, **more: Any) -> Any:
    data = None
    if sent is not None:
        data = QueryDict(mutable=True)
        data.update({"door": "1", **sent})
    return Panel(parse(document(trigger, **more)), "trigger", data).trigger


def stored(form: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The trigger and the settings that would be stored."""
    first, second = form.op()["ops"]
    return first["trigger"], second["values"]


@pytest.mark.covers("TRG-01", "TRG-17", "CRE-02")
def test_a_new_workflow_chooses_by_hand_a_schedule_or_specific_triggers_and_later_between_the_families():
    new = {str(heading): [slug for slug, _label in group] for heading, group in panel(None).fields["kind"].choices}
    assert new == {
        "Manual only": ["manual"],
        "At set times": ["schedule"],
        "By specific triggers": ["filter", "event"],
    }
    assert panel(None)["kind"].value() == ""
    existing = [slug for slug, _label in panel(FILTER).fields["kind"].choices]
    assert existing == [slug for group in new.values() for slug in group], "the same order as before"
    assert set(existing) == set(triggers)


@pytest.mark.covers("TRG-05", "TRG-06")
def test_an_empty_trigger_counts_as_manual_only_and_can_be_published():
    workflow = drafting.create("Empty", "deal", boss(), document(None))
    assert stored(panel(None, {}))[0] == {}
    assert parse(document({})).trigger.kind == "manual"
    assert "No trigger yet" in publishing.review(workflow, user=boss(), now=database_now()).trigger_text
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    assert Workflow.objects.get(pk=workflow.pk).status == "on"
    chosen = stored(panel(None, {"kind": "manual"}))[0]
    assert chosen == {"kind": "manual"}
    assert triggers["manual"].describe(chosen, "deal") == "When somebody enrolls a record by hand"


@pytest.mark.covers("TRG-18")
def test_another_family_erases_the_trigger_only_after_the_person_agreed_to_what_is_lost():
    more = {"unenroll": {"when_no_longer_matching": True}}
    told = panel(FILTER, **more).erased
    assert told == [
        "When Amount is greater than 10", "Re-enrollment by 1 filter", "Taking out who no longer meets the trigger",
    ]  # fmt: skip
    asked = panel(FILTER, {"kind": "schedule", "door-no_longer": "on"}, **more)
    assert stored(asked) == (FILTER, {"unenroll": {"when_no_longer_matching": True}, "goal": None, "suppress": []})
    agreed = panel(FILTER, {"kind": "event", "erase": "event", "criteria": '{"all": []}'}, **more)
    assert stored(agreed)[0] == {"kind": "event"}
    assert stored(agreed)[1]["unenroll"] == {}
    other = panel(FILTER, {"kind": "event", "erase": "schedule"}, **more)
    assert stored(other)[0] == FILTER
    assert panel({"kind": "manual"}).erased == []


@pytest.mark.covers("TRG-18")
def test_undo_brings_the_erased_trigger_back():
    before = document(FILTER, unenroll={"when_no_longer_matching": True})
    workflow = drafting.create("Big", "deal", boss(), before)
    sent = QueryDict("kind=schedule&erase=schedule&door=1")
    op = Panel(parse(before), "trigger", sent).op()
    after = drafting.apply(workflow, op, rev=0, user=boss(), now=database_now())
    changed = after.revision.definition
    assert changed["trigger"]["kind"] == "schedule" and "criteria" not in changed["trigger"]
    drafting.undo(workflow, rev=after.revision.rev, user=boss(), now=database_now())
    found = drafting.shown(workflow).definition
    assert (found["trigger"], found["unenroll"]) == (FILTER, {"when_no_longer_matching": True})


@pytest.mark.covers("TRG-31")
def test_a_record_is_tried_against_the_filters_without_being_enrolled():
    big, small = Deal.objects.create(name="Big one", amount=50), Deal.objects.create(name="Small one", amount=5)
    workflow = drafting.create("Big", "deal", boss(), document(FILTER))
    client = Client()
    client.force_login(boss())
    met = told(client, workflow, str(big.pk))
    assert "<strong>Big one</strong> meets the filters now." in met
    assert "Amount is greater than 10" in met and "now 50" in met
    assert "does not meet the filters now." in told(client, workflow, "small")
    both = told(client, workflow, "one")
    assert f'data-try-record="{big.pk}"' in both and f'data-try-record="{small.pk}"' in both
    assert "None of the deals has this name or id." in told(client, workflow, "nobody")
    assert not Enrollment.objects.exists()
    client.force_login(person("sue", "workflows.view_workflow", is_staff=True))
    assert "You may not see deals" in told(client, workflow, str(big.pk))


@pytest.mark.covers("TRG-31")
def test_of_an_event_trigger_only_the_filters_beside_the_event_are_tried():
    deal = Deal.objects.create(name="A", amount=50)
    trigger = {"kind": "event", "events": [{"event": "record_created"}], "criteria": {"all": [BIG]}}
    workflow = drafting.create("Big", "deal", boss(), document(trigger))
    client = Client()
    client.force_login(boss())
    found = told(client, workflow, str(deal.pk))
    assert "meets the filters now." in found
    assert "depends on the event, too: that is not tried" in found
    bare = drafting.create("Any", "deal", boss(), document({"kind": "event", "events": [{"event": "record_created"}]}))
    assert "The trigger has no filters to try." in told(client, bare, str(deal.pk))


def told(client: Client, workflow: Workflow, asked: str) -> str:
    answer = client.get(reverse("admin:workflow_try_trigger", args=[workflow.pk]), {"record": asked})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.covers("TRG-11")
def test_what_can_be_filtered_by_depends_on_the_type_of_record():
    contact, deal = (catalog(object_types[slug]) for slug in ("contact", "deal"))
    assert "marketing_email" in keys(contact) and "marketing_email" not in keys(deal)
    assert {"page_viewed", "meeting_booked"} <= events_of(contact)
    assert "meeting_booked" in events_of(deal) and "page_viewed" not in events_of(deal)
    assert {"amount", "stage"} <= {prop["slug"] for prop in deal["properties"]}
    assert not {"amount", "stage"} & {prop["slug"] for prop in contact["properties"]}


def keys(found: dict[str, Any]) -> set[str]:
    return {kind["key"] for kind in found["kinds"]}


def events_of(found: dict[str, Any]) -> set[str]:
    return {option["value"] for kind in found["kinds"] if kind["key"] == "event" for option in kind["options"]}


@pytest.mark.covers("TRG-27")
def test_who_meets_the_filters_before_its_associations_are_saved_is_enrolled_and_stays():
    alone = {"property": "number_of_contacts", "operator": "is_unknown"}
    workflow = live(alone)
    deal = Deal.objects.create(name="A")
    settle()
    assert inside(workflow) == [deal.pk]
    contact = Contact.objects.create(email="a@example.com")
    associate("deal", "contact", [(deal.pk, contact.pk)])
    settle()
    assert inside(workflow) == [deal.pk]


@pytest.mark.detail(1)
@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        (
            {"kind": "filter", "criteria": {"any": [{"all": [BIG, WON]}, {"all": [KNOWN]}]}},
            "When (Amount is greater than 10 AND Stage is any of Won) OR Name is known",
        ),
        (
            {
                "kind": "event",
                "events": [
                    {"event": "property_changed", "property": "stage", "values": ["won"]},
                    {"event": "meeting_booked", "where": [{"property": "meeting", "operator": "is_known"}]},
                ],
                "criteria": {"all": [BIG]},
            },
            "When this happens: Stage changes to Won OR Meeting booked with (Meeting is known), "
            "and only if then Amount is greater than 10",
        ),
        (
            {"kind": "schedule", "schedule": {"every": "week", "weekdays": ["mon"], "at": "09:00"},
             "criteria": {"all": [BIG]}},
            "Every week on Monday at 9 a.m.: deals of which Amount is greater than 10",
        ),
        ({"kind": "manual"}, "When somebody enrolls a record by hand"),
    ],
)  # fmt: skip
def test_the_card_says_the_whole_trigger_in_a_sentence(trigger, sentence):
    assert triggers[trigger["kind"]].describe(trigger, "deal") == sentence
