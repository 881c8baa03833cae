"""One poisonous record among a thousand ends alone, and what it costs the others is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crm.models import Contact, User
from records.clock import database_now
from tests.workflows.building import NOW, enroll, make_workflow, outcomes, step
from workflows.actions.base import Action
from workflows.engine import claiming, taking_steps
from workflows.engine.batch import Batch
from workflows.enrollment import reviving
from workflows.models import Enrollment
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
