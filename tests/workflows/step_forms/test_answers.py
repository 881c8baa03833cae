"""What actions say of steps is kept only as long as nothing has changed that they looked at to say it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from benchmarks.editor import workflow_of
from crm.models import EmailTemplate, Stage, SubscriptionType, Team, User
from records import vocabulary
from records.models import PropertyDefinition, RecordList
from records.problems import DocumentError, Problem
from records.vocabulary import read_once
from tests.workflows.actions import test_actions_contract as contract
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.drafting.tree import walk
from workflows.editor import page
from workflows.editor.canvas import State, drawn
from workflows.editor.layout import layout
from workflows.models import AIProvider, Connection, Workflow
from workflows.registries import actions
from workflows.step_forms import answers
from workflows.step_forms.answers import Answers

pytestmark = pytest.mark.django_db
#: What the examples name: lists, teams, templates, connections, other workflows …
named, targets, people = contract.named, contract.targets, contract.people
OWN = 900_003
TURNS = 30
Document = dict[str, Any]


def told(document: Document) -> tuple[list[Problem], str]:
    """What is wrong with a draft and how it looks, by what is known already."""
    definition = parse(document)
    with read_once():
        known = Answers(definition, OWN)
        found = checking.problems(definition, workflow=OWN, answers=known)
        faults = page.by_step(checking.errors(found), definition)
        return found, drawn(layout(definition), State(faults, answers=known)).html


def told_in_full(document: Document) -> tuple[list[Problem], str]:
    definition = parse(document)
    found = checking.problems(definition, workflow=OWN)
    return found, drawn(layout(definition), State(page.by_step(checking.errors(found), definition))).html


def agree(document: Document) -> None:
    assert repr(told(document)) == repr(told_in_full(document))


class Draft:
    """A draft that is changed at random, and the world it speaks of."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.document: Document = {"format": 1, "name": "Any", "object": "contact", "steps": []}

    def edit(self) -> None:
        """Any operation that makes sense."""
        edits = [self.insert, self.insert, self.update, self.update, self.move, self.remove, self.whole]
        self.carry_out(self.choose.choice(edits)())

    def carry_out(self, op: Document) -> None:
        try:
            self.document, _inverse, _selected = drafting.changed(self.document, op)
        except DocumentError:
            return  # It makes no sense here.

    def steps(self) -> list[str]:
        return [found.step["id"] for found in walk(self.document["steps"])]

    def place(self) -> str:
        found = list(walk(self.document["steps"]))
        lists = ["steps"] + [
            f"{one.path}.branches.{index}.steps"
            for one in found
            for index in range(len(one.step.get("branches") or ()))
        ]  # fmt: skip
        return f"{self.choose.choice(lists)}.0"

    def insert(self) -> Document:
        slug = self.choose.choice(sorted(actions))
        if slug == "go_to":
            made = {"action": slug, "params": {"step": self.choose.choice([*self.steps(), "gone"])}}
        else:
            made = copy.deepcopy(contract.EXAMPLES[slug])
            made.pop("id")
        if self.choose.random() < 0.2:
            made.pop("params", None)
        return {"op": "insert", "at": self.place(), "step": made}

    def update(self) -> Document:
        """Leave a setting out, or put something into it that it may not like, as like as can be."""
        step = drafting.step_of(self.document, self.choose.choice(self.steps() or [""])) or {}
        params = copy.deepcopy(step.get("params") or {})
        if params:
            name = self.choose.choice(sorted(params))
            value = self.choose.choice([None, 1, True, 1.0, "", "{{ output.a.outcome }} {{ contact.trial }}", "owner"])
            params = {key: part for key, part in params.items() if key != name} | ({name: value} if value else {})
        return {"op": "update", "step": step.get("id"), "params": params, "comment": self.choose.choice(["", "Why"])}

    def move(self) -> Document:
        step = self.choose.choice(self.steps() or [""])
        if self.choose.random() < 0.3:
            return {"op": "duplicate", "step": step}
        return {"op": "move", "step": step, "to": self.place()}

    def remove(self) -> Document:
        return {"op": "delete", "step": self.choose.choice(self.steps() or [""])}

    def whole(self) -> Document:
        """What is said of all steps."""
        changed = [{"event": "property_changed", "property": "city"}]
        source = {"id": "newest", "name": "Newest", "object": "deal", "condition": "association", "pick": "newest"}
        return self.choose.choice(
            [
                {"op": "set_trigger", "trigger": {"kind": "manual"}},
                {"op": "set_trigger", "trigger": {"kind": "event", "events": changed, "reenroll": True}},
                {"op": "set_settings", "values": {"settings": {"timezone": "Asia/Tokyo"}}},
                {"op": "set_settings", "values": {"centre": {"date": "2027-05-01"}}},
                {"op": "set_settings", "values": {"centre": None, "settings": {}}},
                {"op": "set_settings", "values": {"sources": [source]}},
                {"op": "rename", "name": f"Any {self.choose.random()}"},
            ]
        )

    def change_the_world(self) -> None:
        self.choose.choice(WORLD)(self.choose)


def toggle_property(choose: random.Random) -> None:
    gone, _ = PropertyDefinition.objects.filter(slug="trial").delete()
    if not gone:
        PropertyDefinition.objects.create(
            object_type="contact", slug="trial", label="Trial", type=choose.choice(["text", "number"])
        )


WORLD: list[Callable[[random.Random], None]] = [
    toggle_property,
    lambda choose: RecordList.objects.update(slug=choose.choice(["vip", "other"]), name=choose.choice(["VIP", "Few"])),
    lambda choose: RecordList.objects.update(object_type=choose.choice(["contact", "deal"])),
    lambda choose: EmailTemplate.objects.update(slug=choose.choice(["welcome", "bye"])),
    lambda choose: Team.objects.update(slug=choose.choice(["north", "south"]), name=choose.choice(["North", "Up"])),
    lambda choose: User.objects.filter(username="amy").update(is_active=choose.random() < 0.5),
    lambda choose: User.objects.filter(username="ben").update(first_name=choose.choice(["Ben", "Benno"])),
    lambda choose: Connection.objects.filter(name="Shop").update(slug=choose.choice(["shop", "shut"])),
    lambda choose: AIProvider.objects.update(searches=choose.random() < 0.5, name=choose.choice(["Model", "Mind"])),
    lambda choose: SubscriptionType.objects.filter(slug__in=["news", "olds"]).update(
        slug=choose.choice(["news", "olds"])
    ),
    lambda choose: Workflow.objects.filter(pk__in=contract.TARGETS.values()).update(
        name=choose.choice(["Target", "Aim"]), object_type=choose.choice(["contact", "deal"])
    ),
    lambda choose: Stage.objects.update(label=choose.choice(["New", "Old"])),
]


@pytest.mark.parametrize("seed", range(4))
def test_after_any_change_of_a_draft_or_of_the_world_it_is_what_a_full_check_says(seed: int, people: Any) -> None:
    draft = Draft(seed)
    for _step in range(12):
        draft.carry_out(draft.insert())
    for _turn in range(TURNS):
        draft.change_the_world() if draft.choose.random() < 0.4 else draft.edit()
        agree(draft.document)


@pytest.mark.parametrize("slug", sorted(set(actions) - {"go_to"}))
def test_of_every_action_it_is_what_a_full_check_says_and_stays_so_in_another_place(slug: str, people: Any) -> None:
    first, last = {"id": "a", "action": "delay", "params": {"days": 1}}, {"id": "z", "action": "end"}
    document = {"object": "contact", "steps": [first, contract.EXAMPLES[slug], last]}
    agree(document)
    agree({**document, "steps": [contract.EXAMPLES[slug], first, last]})
    with translation.override("de"):
        agree(document)
    agree({**document, "object": "deal"})


def test_of_a_large_draft_only_the_step_that_changed_is_asked_anew() -> None:
    document = workflow_of(200).document
    told(document)
    before = set(answers.kept)
    moved, _inverse, _selected = drafting.changed(
        document, {"op": "move", "step": document["steps"][5]["id"], "to": "steps.0"}
    )
    agree(moved)
    assert set(answers.kept) == before
    added, _inverse, _selected = drafting.changed(
        moved, {"op": "insert", "at": "steps.0", "step": {"action": "delay", "params": {"days": 2}}}
    )
    agree(added)
    assert len(set(answers.kept) - before) == 2, "what is wrong with the new step, and how its card reads"


def test_what_looks_at_other_steps_or_other_tables_is_asked_anew_each_time() -> None:
    ways = [
        {
            "name": "A",
            "criteria": contract.IS_SWEDISH,
            "steps": [{"id": "jump", "action": "go_to", "params": {"step": "x"}}],
        }
    ]
    split = {
        "id": "split",
        "action": "branch",
        "branches": [*ways, {"name": "B", "steps": [{"id": "x", "action": "end"}]}],
    }
    posted = {**contract.EXAMPLES["send_sms"], "id": "sms"}
    document = {"object": "contact", "steps": [split, posted]}
    answers.kept.clear()
    agree(document)
    known = Answers(parse(document), OWN)
    beyond = [
        step.id
        for step in known.context.definition.walk()
        if known.found("problems", step, checking.own_problems) is answers.BEYOND
    ]
    assert beyond == ["jump", "sms"]


def test_true_is_not_one_and_one_is_not_one_point_nothing() -> None:
    def drafted(value: Any) -> Document:
        return {"object": "contact", "steps": [{"id": "a", "action": "delay", "params": {"days": value}}]}

    for value in (1, True, 1.0, "1", None):
        agree(drafted(value))


COUNTED = '"records_propertydefinition"'


@pytest.mark.parametrize(
    ("sql", "covered"),
    [
        (f'SELECT {COUNTED}."id" FROM {COUNTED} WHERE {COUNTED}."slug" = %s ORDER BY 1', True),
        (f'SELECT 1 AS "a" FROM {COUNTED} LIMIT 1', True),
        ('SELECT "records_segment"."id" FROM "records_segment"', False),
        (f'SELECT 1 FROM {COUNTED} INNER JOIN "records_segment" ON (true)', False),
        (f'SELECT 1 FROM {COUNTED}, "records_segment" WHERE true', False),
        (f'SELECT 1 FROM {COUNTED} WHERE "id" IN (SELECT "id" FROM "records_segment")', False),
        (f'SELECT (SELECT count(*) FROM "records_segment") FROM {COUNTED}', False),
        (f"SELECT STATEMENT_TIMESTAMP() FROM {COUNTED}", False),
        (f"UPDATE {COUNTED} SET label = ''", False),
        ("SELECT clock_timestamp()", False),
    ],
)
def test_a_statement_is_known_to_read_only_what_the_version_counts(sql: str, covered: bool) -> None:
    assert vocabulary.covers(sql) is covered
