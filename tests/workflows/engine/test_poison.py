"""One poisonous record among a thousand ends alone, and what it costs the others is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from crm.models import Contact, User
from records.clock import database_now
from records.defining import define
from records.models import PropertyDefinition
from tests.workflows.building import NOW, enroll, make_workflow, outcomes, step
from workflows.actions.base import Action
from workflows.engine import claiming, taking_steps
from workflows.engine.batch import Batch
from workflows.enrollment import reviving
from workflows.history.telling import path_of
from workflows.models import Enrollment, StepExecution
from workflows.registries import actions

pytestmark = pytest.mark.django_db
POISON = "poison@example.com"


class Picky(Action):
    slug = "picky"
    label = "Picky"
    calls: list[int] = []

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        self.calls.append(len(batch.enrollments))
        if Contact.objects.filter(pk__in=batch.ids, email=POISON).exists():
            raise RuntimeError("poison")


@pytest.fixture(autouse=True)
def picky() -> Iterator[Picky]:
    found = Picky()
    found.calls.clear()
    actions.register(found)
    yield found
    del actions["picky"]


def thousand() -> int:
    """A thousand contacts before the picky step; the id of the poisonous one's enrollment."""
    made = Contact.objects.bulk_create(
        Contact(email=POISON if i == 237 else f"c{i}@example.com") for i in range(1_000)
    )
    claiming.ring.served = 0
    return enroll(make_workflow([step("picky", "picky")]), [contact.pk for contact in made])[237].pk


def test_where_the_step_raises_only_the_halves_with_the_poison_are_run_again(picky: Picky) -> None:
    poison = thousand()
    claims = 0
    while taking_steps.run_due(NOW, 500):
        claims += 1
    assert claims == 2, "no transaction more than without it"
    assert len(picky.calls) <= 2 + 2 * 10, "halved ten times at most, from 500 to 1"
    assert outcomes(Enrollment.objects.get(pk=poison).workflow) == {("picky", "success"): 999, ("picky", "failed"): 1}


def test_where_the_step_kills_the_worker_three_claims_end_the_poison_and_nobody_else() -> None:
    """The worker is not really killed: its claim is left to its lease, which is then over."""
    poison = thousand()
    deaths, claims = [], 0
    while claim := claiming.claim(NOW, 500):
        claims += 1
        if poison in claim.ids and not claim.crashed:
            deaths.append(claim.count)
            Enrollment.objects.filter(claim=claim.token).update(claimed_until=database_now())
        else:
            taking_steps.execute(claim, NOW)
    assert deaths == [500, 50, 1]
    assert claims <= 2 + 10 + 50 + 1, claims
    stopped = Enrollment.objects.get(status="failed")
    assert (stopped.pk, stopped.ended_reason, stopped.step) == (poison, "crashed", "picky")
    assert Enrollment.objects.filter(status="completed").count() == 999


def test_a_value_no_index_can_hold_fails_alone_and_is_no_outage_of_the_database() -> None:
    """PostgreSQL reports it like one: the batch would be run again for ever."""
    define(PropertyDefinition(object_type="contact", slug="code", label="Code", type="multi_line"))
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX an_operators_own ON crm_contact ((custom ->> 'code'))")
    long = "".join(map(str, random.Random(1).choices(range(10), k=20_000)))
    made = Contact.objects.bulk_create(
        Contact(email=f"c{i}@example.com", custom={"told": long if i == 7 else f"C-{i}"}) for i in range(20)
    )
    define(PropertyDefinition(object_type="contact", slug="told", label="Told", type="multi_line"))
    workflow = make_workflow([step("copy", "edit_record", property="code", copy_from="told")])
    enrollments = enroll(workflow, [contact.pk for contact in made])
    while taking_steps.run_due(NOW, 500):
        pass
    assert outcomes(workflow) == {("copy", "success"): 19, ("copy", "failed"): 1}
    [line] = StepExecution.objects.filter(outcome="failed")
    assert (line.enrollment_id, line.detail["reason"]) == (enrollments[7].pk, "does_not_fit")


def test_what_raises_outside_of_actions_is_claimed_in_smaller_parts_at_once_and_ends_alone() -> None:
    """Nobody waits for a lease: whoever claimed it lives, and gives it up."""
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(100))
    workflow = make_workflow([step("add", "change_number", property="lead_score", by=1)])
    poison = enroll(workflow, [contact.pk for contact in made])[37]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.id = {poison.pk} AND NEW.status = 'completed' THEN RAISE 'not this one'; END IF; RETURN NEW;"
            " END $$; CREATE TRIGGER refuse_one BEFORE UPDATE ON workflows_enrollment FOR EACH ROW"
            " EXECUTE FUNCTION refuse_one()"
        )
    claims = 0
    while taking_steps.run_due(NOW, 100):
        claims += 1
        assert claims < 50
    poison.refresh_from_db()
    assert (poison.status, poison.ended_reason) == ("failed", "crashed")
    assert Enrollment.objects.filter(status="completed").count() == 99
    assert set(Contact.objects.exclude(pk=poison.record_id).values_list("lead_score", flat=True)) == {1}
    assert not Contact.objects.get(pk=poison.record_id).lead_score


def test_a_workflow_whose_action_is_not_installed_any_more_stops_with_its_reason_and_keeps_nobody_waiting() -> None:
    [broken_record, record] = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(2))
    broken = make_workflow([step("picky", "picky"), step("end", "end")])
    [stopped] = enroll(broken, [broken_record.pk])
    [other] = enroll(make_workflow([step("end", "end")]), [record.pk])
    picky = actions["picky"]
    del actions["picky"]
    try:
        while taking_steps.run_due(NOW, 500):
            pass
        stopped.refresh_from_db()
        assert (stopped.status, stopped.ended_reason, stopped.step) == ("failed", "unreadable", "picky")
        [line] = path_of(stopped)[-2:-1]
        assert "cannot be read any more" in line.sentence and "picky" in line.sentence
        assert Enrollment.objects.get(pk=other.pk).status == "completed"
    finally:
        actions.register(picky)
    boss = User.objects.create_superuser("boss")
    assert reviving.revive(reviving.stopped(), "retry", by=boss, now=NOW).count == 1
    while taking_steps.run_due(NOW, 500):
        pass
    assert Enrollment.objects.get(pk=stopped.pk).status == "completed"


def test_what_crashed_three_workers_waits_for_somebody_and_can_be_tried_again() -> None:
    poison = thousand()
    Enrollment.objects.filter(pk=poison).update(attempts=3)
    while taking_steps.run_due(NOW, 500):
        pass
    [group] = reviving.groups(Enrollment.objects.all())
    assert (group.reason, group.count, group.example) == ("crashed", 1, poison)
    Contact.objects.filter(email=POISON).update(email="cured@example.com")
    boss = User.objects.create_superuser("boss")
    assert reviving.revive(reviving.stopped(), "retry", by=boss, now=NOW).count == 1
    while taking_steps.run_due(NOW, 500):
        pass
    assert Enrollment.objects.get(pk=poison).status == "completed"
