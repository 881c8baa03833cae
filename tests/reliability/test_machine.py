"""Anything in any order: the engine does what a small model says it does (S-01).

Everything runs in one transaction that is taken back in the end, at instants the model chooses. Leases end when the
model says so; whoever has claimed may die, come back, or be too late.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from crm.models import Contact, Task, User
from records.clock import database_now
from records.models import PendingChange
from records.object_types import object_types
from records.saving import delete_records
from tests.reliability.conftest import FULL, Patience
from tests.reliability.journeys import BUYERS
from tests.stories.promises import broken_promises
from tests.workflows.building import step
from workflows import drafting
from workflows.engine import claiming, taking_steps
from workflows.engine.claiming import Claim
from workflows.enrollment import enrolling
from workflows.holding import Held
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing, switching
from workflows.models import Delivery, Enrollment, Revision, StepExecution
from workflows.outbox.delivering import deliver
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
EXAMPLES, RULES = (500, 50) if FULL else (12, 25)
#: Examples are made so many at a time, for so many minutes at most.
AT_ONCE, MINUTES = 25, 15
DAY = dt.timedelta(days=1)
ACTIONS = {
    "add": step("add", "change_number", property="lead_score", by=1),
    "more": step("more", "create_task", title="More {{ contact.email }}"),
    "wait": step("wait", "delay", days=1),
    "mail": step("mail", "send_internal_email", to=["seller"], subject="{{ contact.email }}", body="!"),
    "task": step("task", "create_task", title="Call {{ contact.email }}"),
    "end": step("end", "end"),
}
ACTING = {"add", "more", "mail", "task"}
VERSIONS = st.sets(st.sampled_from(sorted(ACTING))).map(
    lambda chosen: tuple(name for name in ACTIONS if name in chosen | {"wait", "end"})
)
PEOPLE = (
    "create_record", "change_record", "change_record", "delete_record", "enroll_by_hand", "unenroll", "publish",
    "turn_off", "turn_on", "turn_on", "pause_or_resume", "time_passes",
)  # fmt: skip
WORKERS = (
    "claim", "claim", "claim", "step", "step", "step", "step", "leases_end", "dispatch", "dispatch", "deliver", "tick",
    "time_passes",
)  # fmt: skip
figures: Counter[str] = Counter()


class Unreliable(EmailBackend):
    """A mail server that can be away."""

    away = False

    def open(self) -> bool:
        if Unreliable.away:
            raise ConnectionRefusedError("Nobody is there.")
        return True


@dataclass
class Run:
    """What the model knows of one enrollment."""

    id: int
    record: int
    revision: int
    steps: tuple[str, ...]
    due: dt.datetime | None
    #: When it reached its step: what delays count from, however late anybody looks at it.
    arrived: dt.datetime
    step: str = ""
    visit: int = 0
    waiting: bool = False
    status: str = "active"
    reason: str = ""
    token: Any = None
    leased: bool = False
    tried: int = 0

    def tries(self) -> int:
        """How often it was claimed in vain, once somebody claims it again."""
        return self.tried + (self.token is not None)

    def end(self, status: str, reason: str) -> None:
        self.status, self.reason, self.due, self.waiting = status, reason, None, False
        self.token, self.leased = None, False
        self.step = self.step if status == "failed" else ""


class Undone(Exception):
    """Raised to take everything back."""


class Machine(RuleBasedStateMachine):
    """The engine, and next to it a model of records, members, runs, lines, tasks and mails."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        Unreliable.away = False
        mail.outbox.clear()
        self.now = database_now().replace(microsecond=0)
        self.boss = User.objects.create_superuser("boss")
        self.seller = User.objects.create_user("seller", email="seller@example.com")
        self.state = "on"
        self.emails: dict[int, str] = {}
        self.buyers: set[int] = set()
        self.deleted: set[int] = set()
        self.members: set[int] = set()
        self.pending: dict[int, set[str]] = {}
        self.scores: Counter[int] = Counter()
        self.runs: dict[int, Run] = {}
        self.refusals = 0
        self.lines: Counter[tuple[int, int, str, str]] = Counter()
        self.tasks: Counter[str] = Counter()
        self.mails: dict[str, str] = {}
        self.mail_due: dict[str, dt.datetime] = {}
        self.claims: list[Claim] = []
        self.steps: tuple[str, ...] = ("add", "wait", "mail", "task", "end")
        document = {
            "format": 1, "object": "contact", "trigger": {"kind": "filter", "criteria": BUYERS},
            "steps": [ACTIONS[name] for name in self.steps],
        }  # fmt: skip
        self.workflow = drafting.create("Machine", "contact", self.boss, definition=document)
        publishing.publish(self.workflow, by=self.boss, now=self.now, enroll_existing=False)
        self.revision = self.live()
        for buyer in (True, True, False, True):
            self.add_record(buyer)

    def teardown(self) -> None:
        assert broken_promises() == {}
        figures["examples"] += 1
        figures["steps"] += sum(self.lines.values())
        figures["enrollments"] += len(self.runs)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def live(self) -> int:
        self.workflow.refresh_from_db()
        return int(self.workflow.live_id)

    # One rule for each side, because Hypothesis leaves rules out at random: without workers nothing would happen.

    @rule(data=st.data(), act=st.sampled_from(PEOPLE))
    def somebody_acts(self, data: Any, act: str) -> None:
        getattr(self, act)(data)

    @rule(data=st.data(), acts=st.lists(st.sampled_from(WORKERS), min_size=1, max_size=3))
    def workers_act(self, data: Any, acts: list[str]) -> None:
        for act in acts:
            getattr(self, act)(data)

    # What people and other programs do.

    def create_record(self, data: Any) -> None:
        if len(self.emails) < 8:
            self.add_record(data.draw(st.booleans()))

    def add_record(self, buyer: bool) -> None:
        contact = Contact.objects.create(
            email=f"c{len(self.emails)}@example.com", job_title="buyer" if buyer else "clerk"
        )
        self.emails[contact.pk] = contact.email
        self.pending.setdefault(contact.pk, set()).add("created")
        self.buyers |= {contact.pk} if buyer else set()

    def some_record(self, data: Any) -> int | None:
        there = sorted(set(self.emails) - self.deleted)
        return data.draw(st.sampled_from(there)) if there else None

    def change_record(self, data: Any) -> None:
        pk, buyer = self.some_record(data), data.draw(st.booleans())
        if pk is None:
            return
        Contact.objects.filter(pk=pk).update(job_title="buyer" if buyer else "clerk")
        if buyer != (pk in self.buyers):
            self.pending.setdefault(pk, set()).add("updated")
        self.buyers = self.buyers | {pk} if buyer else self.buyers - {pk}

    def delete_record(self, data: Any) -> None:
        pk = self.some_record(data)
        if pk is None or data.draw(st.booleans()):
            return
        delete_records(object_types["contact"], [pk], actor=None)
        self.deleted.add(pk)
        self.pending.setdefault(pk, set()).add("deleted")

    def enroll_by_hand(self, data: Any) -> None:
        pk = self.some_record(data)
        if pk is None:
            return
        expected = self.state != "off" and not self.ever_inside(pk)
        done = enrolling.enroll(self.workflow, [pk], cause={"kind": "manual"}, now=self.now, manual=True)
        assert bool(done.enrolled) == expected, done
        if expected:
            self.entered({pk})
        else:
            self.refusals += 1

    def unenroll(self, data: Any) -> None:
        active = [run for run in self.runs.values() if run.status == "active"]
        if active:
            run = data.draw(st.sampled_from(active))
            mine = Enrollment.objects.filter(pk=run.id)
            assert enrolling.unenroll(mine, reason="by_hand", by=self.boss, now=self.now) == 1
            run.end("unenrolled", "by_hand")

    def publish(self, data: Any) -> None:
        steps, existing, follow = data.draw(st.tuples(VERSIONS, st.booleans(), st.booleans()))
        draft = drafting.draft_of(self.workflow)
        draft.definition = {**draft.definition, "steps": [ACTIONS[name] for name in steps]}
        draft.save()
        publishing.publish(
            self.workflow,
            by=self.boss,
            now=self.now,
            enroll_existing=existing,
            in_flight="follow" if follow else "pin",
        )
        self.steps, self.revision = steps, self.live()
        self.state = "on" if self.state == "off" else self.state
        self.members = self.buyers - self.deleted
        for run in self.runs.values() if follow else ():
            if run.status != "active":
                continue
            if run.step not in steps:
                run.end("unenrolled", "step_removed")
            else:
                run.revision, run.steps, run.token, run.leased = self.revision, steps, None, False
        if existing:
            self.entered({pk for pk in self.members if not self.ever_inside(pk)})

    def turn_off(self, data: Any) -> None:
        switching.turn_off(self.workflow, by=self.boss, now=self.now)
        self.state = "off"

    def turn_on(self, data: Any) -> None:
        switching.turn_on(self.workflow, by=self.boss, now=self.now)
        if self.state == "off":
            self.members = self.buyers - self.deleted
        self.state = "on"

    def pause_or_resume(self, data: Any) -> None:
        if self.state == "off":
            return
        if self.state == "paused":
            switching.resume(self.workflow, by=self.boss, now=self.now)
        else:
            switching.pause(self.workflow, by=self.boss, now=self.now)
        self.state = "on" if self.state == "paused" else "paused"

    def time_passes(self, data: Any) -> None:
        self.now += dt.timedelta(hours=data.draw(st.sampled_from([1, 23, 24, 200])))

    # What workers and clocks do.

    def claim(self, data: Any) -> None:
        limit = data.draw(st.sampled_from([1, 2, 500]))
        claimable = self.claimable()
        claim = claiming.claim(self.now, limit)
        assert (claim is None) == (not claimable), "Somebody is due and not claimed, or claimed and not due."
        if claim is None:
            return
        runs = [self.runs[pk] for pk in claim.ids]
        assert all(run in claimable for run in runs) and 0 < len(runs) <= limit
        assert len({(run.revision, run.step, min(run.tries(), 3)) for run in runs}) == 1
        assert claim.crashed == (runs[0].tries() >= 3)
        for run in runs:
            run.tried, run.token, run.leased = run.tries(), claim.token, True
        self.claims.append(claim)

    def step(self, data: Any) -> None:
        """Whoever has claimed, maybe long ago, goes on; it may die before it commits."""
        if not self.claims:
            return
        claim, dies = data.draw(st.sampled_from(self.claims[-6:])), not data.draw(st.integers(0, 3))
        owned = [self.runs[pk] for pk in claim.ids if self.runs[pk].token == claim.token]
        try:
            with transaction.atomic():
                taking_steps.execute(claim, self.now)
                if dies:
                    raise Undone
        except Undone:
            figures["deaths"] += 1
            return
        except Held:
            assert self.state == "paused" and owned
            return
        figures["zombies refused"] += not owned
        assert not (owned and self.state == "paused")
        for run in owned:
            self.walk(run, crashed=claim.crashed)

    def leases_end(self, data: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE workflows_enrollment SET claimed_until = clock_timestamp() WHERE claim IS NOT NULL")
        for run in self.runs.values():
            run.leased = False

    def dispatch(self, data: Any) -> None:
        while dispatch(self.now):
            pass
        self.look_at_changes()

    def deliver(self, data: Any) -> None:
        away = data.draw(st.booleans())
        Unreliable.away = away
        while deliver(self.now):
            pass
        Unreliable.away = False
        self.mails_go_out(away)

    def tick(self, data: Any) -> None:
        """One pass over everything, and another one, delivered twice: that finds nothing."""
        for run in self.runs.values():
            if run.status == "active" and run.due is not None and run.due <= self.now and not run.leased:
                run.tried, run.token = run.tries(), None
        tick(self.now)
        self.look_at_changes()
        while runs := self.claimable():
            for run in runs:
                self.walk(run, crashed=run.tried >= 3)
        self.mails_go_out(away=False)
        again = tick(self.now)
        assert (again.changes, again.steps, again.deliveries) == (0, 0, 0)
        assert not PendingChange.objects.exists()

    # The model.

    def ever_inside(self, pk: int) -> bool:
        return any(run.record == pk for run in self.runs.values())

    def claimable(self) -> list[Run]:
        return [
            run for run in self.runs.values()
            if run.status == "active" and run.due is not None and run.due <= self.now and not run.leased
            and self.state != "paused"
        ]  # fmt: skip

    def entered(self, records: set[int]) -> None:
        """Exactly these records have a new enrollment, on the first step."""
        new = Enrollment.objects.exclude(pk__in=self.runs).exclude(status="refused")
        found = {enrollment.record_id: enrollment.pk for enrollment in new}
        assert set(found) == records and len(new) == len(records)
        for record, pk in found.items():
            self.runs[pk] = Run(pk, record, self.revision, self.steps, self.now, self.now, step=self.steps[0])

    def look_at_changes(self) -> None:
        for pk, kinds in self.pending.items():
            for run in self.runs.values():
                if "deleted" in kinds and run.record == pk and run.status == "active":
                    run.end("unenrolled", "record_deleted")
        joined = set()
        for pk in self.pending if self.state != "off" else ():
            matches = pk in self.buyers - self.deleted
            joined |= {pk} if matches and pk not in self.members else set()
            self.members = self.members | {pk} if matches else self.members - {pk}
        self.pending = {}
        self.entered({pk for pk in joined if not self.ever_inside(pk)})

    def log(self, run: Run, outcome: str) -> None:
        self.lines[run.id, run.visit, run.step, outcome] += 1

    def walk(self, run: Run, *, crashed: bool) -> None:
        """What a claimed run does in one transaction."""
        run.token, run.leased, run.tried = None, False, 0
        if crashed:
            self.log(run, "failed")
            run.end("failed", "crashed")
        elif run.record in self.deleted:
            run.end("unenrolled", "record_deleted")
        while run.status == "active":
            if run.step == "wait" and not run.waiting:
                self.log(run, "waiting")
                run.waiting, run.due = True, run.arrived + DAY
                return
            skipped = run.step in ACTING and self.state == "off"
            self.log(run, "skipped" if skipped else "success")
            if not skipped:
                self.take_effect(run)
            position = run.steps.index(run.step) + 1
            run.visit, run.waiting = run.visit + 1, False
            if position == len(run.steps):
                run.end("completed", "completed")
            else:
                run.step, run.arrived = run.steps[position], self.now

    def take_effect(self, run: Run) -> None:
        email = self.emails[run.record]
        if run.step == "add":
            self.scores[run.record] += 1
        elif run.step in ("more", "task"):
            self.tasks[f"{'More' if run.step == 'more' else 'Call'} {email}"] += 1
        elif run.step == "mail":
            key = f"{run.id}:mail:{run.visit}:{self.seller.pk}"
            self.mails[key], self.mail_due[key] = "pending", self.now

    def mails_go_out(self, away: bool) -> None:
        due = [key for key, state in self.mails.items() if state == "pending" and self.mail_due[key] <= self.now]
        for delivery in Delivery.objects.filter(key__in=due):
            if not away:
                self.mails[delivery.key] = "done"
            elif delivery.state == "dead":
                self.mails[delivery.key] = "dead"
            else:
                assert delivery.due_at is not None and delivery.due_at > self.now
                self.mail_due[delivery.key] = delivery.due_at

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        rows = Enrollment.objects.exclude(status="refused").values_list(
            "id", "record_id", "revision", "status", "step", "visit", "due_at", "ended_reason", "claim"
        )
        expected = {
            (run.id, run.record, run.revision, run.status, run.step, run.visit, run.due, run.reason, run.token)
            for run in self.runs.values()
        }
        assert set(rows) == expected
        assert Enrollment.objects.filter(status="refused").count() == self.refusals
        lines = StepExecution.objects.filter(enrollment__workflow=self.workflow)
        assert Counter(lines.values_list("enrollment", "visit", "step", "outcome")) == self.lines
        scores = Contact._base_manager.filter(lead_score__isnull=False).exclude(lead_score=0)
        assert dict(scores.values_list("pk", "lead_score")) == dict(self.scores)
        assert Counter(Task.objects.values_list("title", flat=True)) == self.tasks
        assert dict(Delivery.objects.values_list("key", "state")) == self.mails
        sent = Counter(message.subject for message in mail.outbox)
        done = Counter(self.emails[self.runs[int(key.split(":")[0])].record]
                       for key, state in self.mails.items() if state == "done")  # fmt: skip
        assert sent == done

    @invariant()
    def every_promise_holds(self) -> None:
        figures["rules"] += 1
        if figures["rules"] % 5 == 0:
            assert broken_promises() == {}

    @invariant()
    def nobody_stands_on_a_step_of_another_revision(self) -> None:
        for revision, document in Revision.objects.filter(
            pk__in={run.revision for run in self.runs.values()}
        ).values_list("pk", "definition"):
            known = {found["id"] for found in document["steps"]} | {""}
            assert all(run.step in known for run in self.runs.values() if run.revision == revision)


@pytest.mark.fault("S-01")
def test_the_engine_does_what_a_small_model_says(seed: int, settings: Any, note: Callable[..., None]) -> None:
    settings.EMAIL_BACKEND = "tests.reliability.test_machine.Unreliable"
    figures.clear()
    patience, tried = Patience(MINUTES), 0
    while tried < EXAMPLES and not patience.over:
        run_state_machine_as_test(hypothesis_seed(seed + tried)(Machine), settings=HOW)
        tried += HOW.max_examples
    note(examples=figures["examples"], rules_each=RULES, steps=figures["steps"], enrollments=figures["enrollments"],
         deaths=figures["deaths"], zombies_refused=figures["zombies refused"], differences=0)  # fmt: skip
    assert figures["steps"] > tried


HOW = settings(
    max_examples=min(EXAMPLES, AT_ONCE), stateful_step_count=RULES, deadline=None, database=None, print_blob=False,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
)  # fmt: skip
#: For a mistake that is to be found, however long it takes.
UNTIL_FOUND = settings(HOW, max_examples=200)


@pytest.mark.fault("F-01c")
def test_the_same_model_finds_a_worker_that_does_not_look_at_its_claim(
    seed: int, settings: Any, monkeypatch: pytest.MonkeyPatch, note: Callable[..., None]
) -> None:
    settings.EMAIL_BACKEND = "tests.reliability.test_machine.Unreliable"
    execute = taking_steps.execute

    def execute_anyway(claim: Claim, now: dt.datetime) -> int:
        Enrollment.objects.filter(pk__in=claim.ids, status="active").update(claim=claim.token)
        return execute(claim, now)

    monkeypatch.setattr(taking_steps, "execute", execute_anyway)
    figures.clear()
    with pytest.raises(AssertionError):
        run_state_machine_as_test(hypothesis_seed(seed)(Machine), settings=UNTIL_FOUND)
    note(control="claim not looked at, any order", caught=[f"in example {figures['examples']}"])
