"""What one workflow writes is what another one waits for: wanted, told of, and never without end."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Deal
from records.clock import database_now
from records.journal import changes_of
from records.object_types import object_types
from tests.workflows.building import step
from tests.workflows.publishing_deals import BIG, boss, change, document, draft, publish
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db


def currency(value: str) -> dict[str, Any]:
    return {"property": "currency", "operator": "is_equal_to_any_of", "value": [value]}


def drafted(name: str, *filters: dict[str, Any], **parts: Any) -> Workflow:
    workflow = draft(*filters, name=name, **parts)
    rename = {"op": "rename", "name": name}
    drafting.apply(workflow, rename, rev=drafting.draft_of(workflow).rev, user=boss(), now=database_now())
    return workflow


def named(name: str, *filters: dict[str, Any], **parts: Any) -> Workflow:
    workflow = drafted(name, *filters, **parts)
    publish(workflow)
    return workflow


def warnings(workflow: Workflow) -> list[str]:
    found = publishing.review(workflow, user=boss(), now=database_now()).problems
    return [str(problem.message) for problem in found if problem.code == "cycle"]


def settled() -> None:
    for _round in range(12):
        tick(database_now())


@pytest.mark.covers("CRM-32")
def test_a_property_one_workflow_writes_enrolls_in_another_and_the_journal_names_who_wrote_it() -> None:
    deal = Deal.objects.create(name="A", amount=1)
    first = named("First", BIG, steps=[step("set", "edit_record", property="currency", value="SEK")])
    second = named("Second", currency("SEK"), steps=[step("win", "edit_record", property="stage", value="won")])
    change(deal, amount=50)
    settled()
    deal.refresh_from_db()
    assert (deal.currency, deal.stage) == ("SEK", "won")
    wrote = {tuple(one.after): (one.source or {}).get("workflow") for one in changes_of(object_types["deal"], deal.pk)}
    assert wrote["currency",] == first.pk and wrote["stage",] == second.pk
    inside = Enrollment.objects.get(workflow=second)
    assert inside.status == "completed" and first.pk in inside.cause["chain"]


@pytest.mark.covers("CRM-32", "ACG-14")
def test_workflows_that_write_what_each_other_waits_for_are_named_at_publish_and_stopped_at_run_time() -> None:
    swap = {"SEK": "EUR", "EUR": "SEK"}
    made = []
    for wanted, written in swap.items():
        one = drafted(
            f"To {written}", currency(wanted), reenroll=["any.0.all.0"],
            steps=[step("set", "edit_record", property="currency", value=written)],
        )  # fmt: skip
        made.append(one)
        told = warnings(one)
        if len(made) == 2:
            assert len(told) == 1 and "“To EUR”" in told[0] and "again and again" in told[0]
        publish(one)
    deal = Deal.objects.create(name="A", currency="NOK")
    change(deal, currency="SEK")
    settled()
    assert Enrollment.objects.filter(workflow__in=made, status="refused", ended_reason="loop").exists()
    assert Enrollment.objects.count() < 40
    assert not Enrollment.objects.filter(status="active").exists()


def test_a_draft_that_breaks_the_circle_is_not_warned_about() -> None:
    again = {"reenroll": ["any.0.all.0"]}
    first = named(
        "First", currency("SEK"), steps=[step("set", "edit_record", property="currency", value="EUR")], **again
    )
    second = drafted("Second", BIG, steps=[step("set", "edit_record", property="currency", value="SEK")])
    assert warnings(second) == []
    revision = drafting.draft_of(second)
    revision.definition = document(
        currency("EUR"), name="Second", steps=[step("set", "edit_record", property="currency", value="SEK")], **again
    )
    revision.save()
    assert "“First”" in warnings(second)[0]
    assert first.live is not None
