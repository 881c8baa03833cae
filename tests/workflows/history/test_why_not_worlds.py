"""Why-not against small random worlds: the engine enrolls as it does, and each cause named must be true (HIS-19).

A world is told in steps; beside the engine a model in plain Python keeps what was so when. Of every deal that never
was inside it is asked why, and the cause is looked up in the model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from crm.models import Deal
from records.clock import database_now
from records.lists import keeping, members
from records.models import RecordList
from records.object_types import object_types
from tests.workflows.publishing_deals import BIG, WAIT, boss, finish, settle
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.history.explaining import explain
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.covers("HIS-19")]
WON = {"property": "stage", "operator": "is_any_of", "value": ["won"]}
BAD_NAME = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
FAR = {"property": "currency", "operator": "is_any_of", "value": ["EUR"]}
STEPS = 30


@dataclass
class Known:
    """What the model knows of one deal."""

    amount: int | None = None
    stage: str = ""
    name: str = "A"
    listed: bool = False
    deleted: bool = False
    #: Whether it meets the trigger, as far as the workflow has looked.
    meets: bool = False
    #: What was true when it began to, or when the workflow was opened: the verdicts that then hold for good.
    began: set[str] = field(default_factory=set)
    inside: bool = False


class World:
    """One workflow, some deals, one list; everything is done to both the engine and the model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.told: list[str] = []
        self.deals = [Deal.objects.create(name="A") for _ in range(4)]
        self.known = {deal.pk: Known() for deal in self.deals}
        self.kept = keeping.create(object_types["deal"], "Kept out", now=database_now(), by=boss())
        self.join = self.random.choice(["all", "any"])
        self.suppress, self.unenroll, self.goal = (self.random.random() < 0.5 for _ in range(3))
        self.open = self.published = False
        self.workflow: Workflow = drafting.create("W", "deal", boss(), self.document())
        settle()

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"format": 1, "object": "deal", "steps": [WAIT]}
        found["trigger"] = {"kind": "filter", "criteria": {self.join: [BIG, WON]}}
        if self.suppress:
            found["suppress"] = [self.kept.slug]
        if self.unenroll:
            found["unenroll"] = {"criteria": {"all": [BAD_NAME]}}
        if self.goal:
            found["goal"] = {"all": [{**WON, "value": ["lost"]}]}
        return found

    def run(self, steps: int) -> None:
        ways: list[Callable[[], str]] = [
            self.amount, self.amount, self.stage, self.stage, self.rename, self.list, self.list, self.trash,
            self.publish, self.switch, self.by_hand, self.complete,
        ]  # fmt: skip
        for _ in range(steps):
            self.told.append(self.random.choice(ways)())
            settle()
            self.look()

    def one(self) -> tuple[Deal, Known]:
        deal = self.random.choice(self.deals)
        return deal, self.known[deal.pk]

    def write(self, deal: Deal, **values: Any) -> str:
        Deal.objects.filter(pk=deal.pk).update(**values)
        return f"{deal.pk}: {values}"

    def amount(self) -> str:
        deal, known = self.one()
        known.amount = self.random.choice([None, 1, 50])
        return self.write(deal, amount=known.amount)

    def stage(self) -> str:
        deal, known = self.one()
        known.stage = self.random.choice(["", "won", "won", "lost"])
        return self.write(deal, stage=known.stage)

    def rename(self) -> str:
        deal, known = self.one()
        known.name = self.random.choice(["A", "Z"])
        return self.write(deal, name=known.name)

    def trash(self) -> str:
        deal, known = self.one()
        known.deleted = not known.deleted
        return self.write(deal, deleted_at=database_now() if known.deleted else None)

    def list(self) -> str:
        deal, known = self.one()
        if known.deleted:
            return "nothing"
        known.listed = not known.listed
        kept = RecordList.objects.get(pk=self.kept.pk)
        (members.add if known.listed else members.remove)(kept, [deal.pk], now=database_now())
        return f"{deal.pk}: listed {known.listed}"

    def publish(self) -> str:
        existing = self.random.random() < 0.5
        if self.published:
            self.join = self.random.choice(["all", "any"])
            rev = drafting.draft_of(self.workflow).rev
            drafting.replace(self.workflow, self.document() | {"name": "W"}, rev, user=boss(), now=database_now())
        publishing.publish(self.workflow, by=boss(), now=database_now(), enroll_existing=existing)
        self.published = self.open = True
        self.opened(existing)
        return f"publish {self.join} existing={existing}"

    def switch(self) -> str:
        if not self.published:
            return "nothing"
        way = self.random.choice([switching.turn_on, switching.turn_off])
        way(self.workflow, by=boss(), now=database_now())
        if way is switching.turn_on and not self.open:
            self.open = True
            self.opened(False)
        self.open = way is switching.turn_on
        return way.__name__

    def by_hand(self) -> str:
        deal, _known = self.one()
        if self.published and not self.random.randrange(4):
            enroll(self.workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
        return f"{deal.pk}: by hand"

    def complete(self) -> str:
        finish(self.workflow)
        return "finish"

    def meets(self, known: Known) -> bool:
        both = (known.amount or 0) > 10, known.stage == "won"
        return not known.deleted and (all(both) if self.join == "all" else any(both))

    def barred(self, known: Known) -> str:
        """The first guard that keeps a deal out now."""
        if self.suppress and known.listed:
            return "on_suppression_list"
        if self.unenroll and known.name == "Z":
            return "meets_unenrollment"
        return "goal_already_met" if self.goal and known.stage == "lost" else ""

    def opened(self, existing: bool) -> None:
        """The workflow looks at everybody: who meets the trigger now does not begin to."""
        for known in self.known.values():
            known.meets = self.meets(known)
            if known.meets:
                # Of two true causes either may be told.
                barred = self.barred(known) if existing else ""
                known.began = {barred} if barred else {"existing_not_enrolled", *(known.began - {""})}

    def look(self) -> None:
        for known in self.known.values():
            meets = self.meets(known)
            if self.open and meets and not known.meets:
                known.began = {self.barred(known)}
            known.began = known.began if meets else set()
            known.meets = meets

    def check(self) -> None:
        now = database_now()
        ever = Enrollment.objects.filter(workflow=self.workflow).exclude(status="refused")
        inside = set(ever.values_list("record_id", flat=True))
        for deal in self.deals:
            if deal.pk in inside:
                continue
            found = explain(self.workflow, deal.pk, now=now, user=boss())
            right = self.right(self.known[deal.pk])
            facts = found.verdict, found.sentences, self.known[deal.pk], self.told
            assert found.verdict in right, (right, *facts)

    def right(self, known: Known) -> set[str]:
        """The verdicts that are true."""
        if not self.published:
            return {"not_published"}
        if known.deleted:
            return {"record_deleted"}
        if not self.open:
            return {"workflow_off"}
        if barred := self.barred(known):
            return {barred}
        return {verdict for verdict in known.began if verdict} if self.meets(known) else {"criteria_not_met"}


@pytest.mark.parametrize("seed", range(8))
def test_every_cause_named_is_true(seed: int) -> None:
    world = World(seed)
    for _ in range(3):
        world.run(STEPS // 3)
        world.check()
