"""A batch leaves exactly what its records would have left one by one, row for row (P-09)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from crm.models import Contact, Note, Task, Team, TeamMembership, User
from records.associations import ids_of
from records.models import Change
from tests.reliability.conftest import FULL, Patience
from tests.stories.promises import broken_promises
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery, Enrollment, StepExecution, Workflow

pytestmark = pytest.mark.django_db
EXAMPLES = 200 if FULL else 10
#: Examples are made so many at a time, for so many minutes at most.
AT_ONCE, MINUTES = 10, 10
CITIES = ["", "Malmö", "Lund", "12", "3.5"]
TEXTS = [
    "Malmö", "7", "{{ contact.city }}", "{{ contact.first_name | upcase }}", "{{ contact.lead_score }}",
    "{{ owner.email }}",
]  # fmt: skip


def criteria(name: str, *values: Any, operator: str = "is_equal_to_any_of") -> dict[str, Any]:
    return {"all": [{"property": name, "operator": operator, "value": list(values)}]}


CRITERIA = [
    criteria("city", "Malmö"),
    criteria("city", "Lund", "12"),
    {"all": [{"property": "lead_score", "operator": "is_greater_than", "value": 3}]},
    {"any": [{"all": [{"property": "city", "operator": "is_known"}]}, criteria("first_name", "Ann")]},
]
SIMPLE = st.one_of(
    st.builds(lambda by: ("change_number", {"property": "lead_score", "by": by}), st.sampled_from([1, -2, 5])),
    st.builds(lambda text: ("edit_record", {"property": "city", "value": text}), st.sampled_from(TEXTS)),
    # Not every text is a number: some records fail here, alone.
    st.builds(lambda text: ("edit_record", {"property": "lead_score", "value": text}), st.sampled_from(TEXTS[1:5])),
    st.just(("edit_record", {"property": "first_name", "copy_from": "city"})),
    st.just(("edit_record", {"property": "city", "clear": True})),
    st.builds(lambda text: ("create_task", {"title": f"Call {text}", "assignee": "owner"}), st.sampled_from(TEXTS)),
    st.builds(lambda text: ("create_note", {"body": f"About {text}"}), st.sampled_from(TEXTS)),
    st.builds(
        lambda text: ("send_internal_email", {"to": ["owner", "amy"], "subject": f"On {text}", "body": text}),
        st.sampled_from(TEXTS),
    ),
    st.builds(lambda minutes: ("delay", {"minutes": minutes}), st.sampled_from([5, 90])),
    st.just(("rotate_owner", {"team": "north"})),
    st.just(("end", {})),
)


def trees(depth: int) -> st.SearchStrategy[list[Any]]:
    """Lists of steps without ids; below `depth` levels nothing splits."""
    plain = st.tuples(SIMPLE, st.booleans())
    if not depth:
        return st.lists(plain, max_size=3)
    below = trees(depth - 1)
    ways = st.lists(st.tuples(st.sampled_from(CRITERIA), below), min_size=1, max_size=2)
    split = st.builds(lambda ways, rest: ("branch", ways, rest), ways, below)
    values = st.builds(lambda first, second, rest: ("values", first, second, rest), below, below, below)
    chance = st.builds(lambda first, second: ("random", first, second), below, below)
    return st.lists(st.one_of(plain, plain, plain, split, values, chance), min_size=1, max_size=4)


class Numbered:
    """Turns a tree into a definition's steps, each with an id; records take turns at most once.

    They do so before any delay only: among records whose delay ends at the same instant no order is promised.
    """

    def __init__(self) -> None:
        self.count, self.rotated, self.delayed = 0, False, False

    def steps(self, tree: list[Any]) -> list[dict[str, Any]]:
        return [found for node in tree for found in self.step(node)]

    def step(self, node: Any) -> list[dict[str, Any]]:
        self.count += 1
        name = f"s{self.count}"
        if node[0] == "branch":
            ways = [{"name": f"W{n}", "criteria": asked, "steps": self.steps(inside)}
                    for n, (asked, inside) in enumerate(node[1])]  # fmt: skip
            return [step(name, "branch", [*ways, {"name": "None met", "steps": self.steps(node[2])}])]
        if node[0] == "values":
            ways = [{"name": "A", "values": ["Malmö"], "steps": self.steps(node[1])},
                    {"name": "B", "values": ["Lund", "12"], "steps": self.steps(node[2])},
                    {"name": "None met", "steps": self.steps(node[3])}]  # fmt: skip
            return [step(name, "value_branch", ways, property="city")]
        if node[0] == "random":
            ways = [{"name": "A", "percent": 30, "steps": self.steps(node[1])},
                    {"name": "B", "percent": 70, "steps": self.steps(node[2])}]  # fmt: skip
            return [step(name, "random_split", ways)]
        (action, params), stops = node
        if action == "rotate_owner":
            if self.rotated or self.delayed:
                return []
            self.rotated = True
        self.delayed |= action == "delay"
        found = step(name, action, **params)
        return [found | ({"on_failure": {"then": "stop"}} if stops else {})]


class Undone(Exception):
    """Raised to take everything back."""


def left_by(workflow: Workflow, limit: int) -> dict[str, Any]:
    """Run a workflow for two hours with claims of a size, and take it back; what it had left, without ids."""
    found: dict[str, Any] = {}
    try:
        with transaction.atomic():
            for minutes in (0, 30, 60, 120, 240, 480):
                while run_due(NOW + dt.timedelta(minutes=minutes), limit):
                    pass
            assert broken_promises() == {}
            found = snapshot()
            raise Undone
    except Undone:
        return found


def snapshot() -> dict[str, Any]:
    titles = {
        "task": dict(Task.objects.values_list("pk", "title")),
        "note": dict(Note.objects.values_list("pk", "body")),
    }
    lines = StepExecution.objects.order_by("enrollment", "visit", "id").values_list(
        "enrollment", "visit", "step", "action", "outcome", "detail", "at"
    )
    changes: dict[int, list[Any]] = defaultdict(list)
    for change in Change.objects.filter(object_type="contact").order_by("id"):
        after = {key: value for key, value in change.after.items() if key != "to_id"}
        changes[change.record_id].append((change.kind, change.before, after))
    enrollments = Enrollment.objects.order_by("id").values_list(
        "id", "status", "step", "visit", "due_at", "waiting_in", "ended_reason", "ended_at", "tries", "arrived_at",
        "outputs",
    )  # fmt: skip
    return {
        "enrollments": [
            (*row[:-1], {step_id: without_ids(output, titles) for step_id, output in row[-1].items()})
            for row in enrollments
        ],
        "log": [(*line[:5], without_ids(line[5], titles), line[6]) for line in lines],
        "records": list(
            Contact.objects.order_by("pk").values_list("pk", "city", "first_name", "lead_score", "owner")
        ),
        "tasks": attached("task", Task.objects.values_list("pk", "title", "owner", "due_at")),
        "notes": attached("note", Note.objects.values_list("pk", "body")),
        "mails": sorted(Delivery.objects.values_list("key", "kind", "request__to", "request__subject", "due_at")),
        "journal": dict(changes),
    }  # fmt: skip


def without_ids(detail: dict[str, Any], titles: dict[str, dict[int, str]]) -> dict[str, Any]:
    """What was made has other ids each time: its words stand for it."""
    return {key: titles[key][value] if key in titles else value for key, value in detail.items()}


def attached(slug: str, rows: Any) -> list[Any]:
    rows = list(rows)
    contacts = ids_of(slug, [row[0] for row in rows], "contact")
    return sorted((str(row[1:]), tuple(contacts.get(row[0], ()))) for row in rows)


@pytest.fixture
def people() -> list[User]:
    amy, ben = (User.objects.create_user(name, email=f"{name}@example.com") for name in ("amy", "ben"))
    cy = User.objects.create_user("cy")
    team = Team.objects.create(slug="north", name="North")
    for user in (amy, ben):
        TeamMembership.objects.create(team=team, user=user, main=True)
    return [amy, ben, cy]


RECORDS = st.lists(
    st.tuples(st.sampled_from(CITIES), st.sampled_from(["", "Ann", "Bo"]), st.integers(0, 6), st.integers(0, 3)),
    min_size=1, max_size=8,
)  # fmt: skip


@pytest.mark.fault("P-09")
def test_a_batch_leaves_what_its_records_leave_one_by_one(
    people: list[User], seed: int, note: Callable[..., None]
) -> None:
    tried = []

    @settings(
        max_examples=AT_ONCE, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(tree=trees(2), records=RECORDS)
    def compare(tree: list[Any], records: list[Any]) -> None:
        steps = Numbered().steps(tree)
        try:
            with transaction.atomic():
                made = Contact.objects.bulk_create(
                    Contact(
                        email=f"c{n}@example.com", city=city, first_name=first, lead_score=score,
                        owner=people[owner] if owner < 3 else None,
                    )
                    for n, (city, first, score, owner) in enumerate(records)
                )  # fmt: skip
                workflow = make_workflow(steps)
                for n, contact in enumerate(made):
                    enroll(workflow, [contact.pk], now=NOW - dt.timedelta(seconds=100 - n))
                together, alone = left_by(workflow, 500), left_by(workflow, 1)
                for part, rows in together.items():
                    assert rows == alone[part], part
                tried.append(len(together["log"]))
                raise Undone
        except Undone:
            return

    patience, asked = Patience(MINUTES), 0
    while asked < EXAMPLES and not patience.over:
        hypothesis_seed(seed + asked)(compare)()
        asked += AT_ONCE
    note(definitions=len(tried), steps_compared=sum(tried), differences=0)
    assert sum(tried) > 5 * asked
