"""What a browser is sent after a change: its canvas and the patch make the canvas that the page would show anew."""

from __future__ import annotations

import copy
import html
import json
import random
import re
import zlib
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.editor import workflow_of
from crm.models import User
from records.problems import DocumentError
from tests.examples import examples
from tests.workflows.drafting.test_drafting import ANY_OP
from tests.workflows.drafting.test_drafting import document as small
from tests.workflows.editor.test_layout import tree
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.drafting.tree import walk
from workflows.editor.canvas import BELOW, State, drawn
from workflows.editor.layout import layout
from workflows.editor.patching import patch
from workflows.editor.pieces import Drawn
from workflows.editor.shown import CHANGED, Shown, key, shown
from workflows.models import Workflow

Document = dict[str, Any]
ACTIONS = ("delay", "create_note", "end", "branch")


@pytest.fixture(autouse=True)
def patient(settings: Any, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """Redis may take its time here: these tests are about what is sent where it remembers."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=60)
    monkeypatch.setattr(shown, "client", client)
    monkeypatch.setattr(shown, "paused_until", 0.0)
    return client


@dataclass(frozen=True)
class Item:
    """An item of the list as drawing.js keeps it."""

    id: str
    face: str
    x: int
    y: int
    width: int
    path: str = ""


class Browser:
    """What drawing.js does, on text."""

    def __init__(self, text: str) -> None:
        self.lines, self.items = text.partition("<ol")[0], list[Item]()
        for item in re.findall(r"<li.*?</li>", text, re.DOTALL):
            self.add(item)

    def add(self, text: str) -> None:
        found = re.fullmatch(r'<li(?: id="([^"]*)")?(?: data-p="(-?\d+),(-?\d+),(\d+)")?>(.*)</li>', text, re.DOTALL)
        assert found is not None, text
        name, face, last = found[1] or "", found[5], self.items[-1] if self.items else None
        at = re.search(r'class="flow-plus" data-at="([^"]*)"', face)
        if found[2] is not None:
            path = at[1] if at else ""
            self.items.append(Item(name, face, int(found[2]), int(found[3]), int(found[4]), path))
            return
        assert last is not None, "a card without a place of its own stands below a plus"
        right, down, width = (int(number) for number in BELOW.split(","))
        self.items.append(Item(name, face, last.x + right, last.y + down, width, last.path))

    def patch(self, told: dict[str, Any]) -> None:
        old, self.items = self.items, []
        self.lines = told.get("lines", self.lines)
        for part in told["parts"]:
            if isinstance(part, str):
                self.add(part)
                continue
            for item in old[part["first"] : part["first"] + part["count"]]:
                changed = self.changed(item, part, told)
                self.items.append(replace(changed, x=item.x + part.get("x", 0), y=item.y + part.get("y", 0)))

    def changed(self, item: Item, part: dict[str, Any], told: dict[str, Any]) -> Item:
        face, number = item.face, part.get("number", 0)
        if 'class="flow-plus"' in face:
            path = renamed(item.path, part["path"]) if "path" in part else item.path
            face = re.sub(r'data-at="[^"]*"', lambda _found: f'data-at="{path}"', face)
            return replace(item, face=label(face, number), path=path)
        shows = re.search(r"<b>(\d+)\.</b>", face)
        if shows is None:
            return item
        now = int(shows[1]) + number
        where = html.escape(told["where"].replace("%n", str(now)).replace("%m", str(told["total"])))
        face = re.sub(r"<i>.*?</i>", f"<i>{where}</i>", face.replace(shows[0], f"<b>{now}.</b>", 1), count=1)
        path = self.items[-1].path if self.items else ""
        return replace(item, face=face, path=path or item.path)


def renamed(path: str, rule: tuple[str, str, int]) -> str:
    begin, to, grown = rule
    found = re.fullmatch(rf"{re.escape(begin)}\.(\d+)(.*)", path)
    return f"{to}.{int(found[1]) + grown}{found[2]}" if found else path


def label(face: str, number: int) -> str:
    """The first number in a label grown by so much."""
    return re.sub(r'(aria-label="[^"\d]*)(\d+)', lambda found: f"{found[1]}{int(found[2]) + number}", face, count=1)


def canvas_of(document: Document, choose: random.Random, *, editable: bool = True) -> Drawn:
    """A canvas with some branchings folded and some steps that need settings."""
    definition = parse(document)
    folded = frozenset(step.id for step in definition.walk() if step.branches and choose.random() < 0.2)
    problems = {step.id: ["Say more."] for step in definition.walk() if choose.random() < 0.2}
    return drawn(layout(definition, folded), State(problems, editable=editable))


def agree(before: Drawn, after: Drawn) -> dict[str, Any]:
    """Patch a browser and look whether it shows what it would show after a reload; what it was sent."""
    browser, told = Browser(before.html), json.loads(json.dumps(patch(before.seen, after)))
    browser.patch(told)
    fresh = Browser(after.html)
    assert browser.items == fresh.items
    assert browser.lines == fresh.lines
    return told


@pytest.mark.django_db
@given(st.lists(ANY_OP, max_size=6), st.integers(0, 10_000))
@settings(max_examples=examples(60), deadline=None)
def test_a_patch_makes_the_next_canvas_out_of_the_one_before(ops: list[Document], seed: int) -> None:
    choose, document = random.Random(seed), small()
    before = canvas_of(document, choose)
    for op in ops:
        try:
            document = drafting.changed(document, op)[0]
        except DocumentError:
            continue
        after = canvas_of(document, choose)
        agree(before, after)
        before = after


def any_change(document: Document, choose: random.Random) -> Document:
    """An operation somewhere in a document."""
    every = list(walk(document["steps"]))
    one, other = choose.choice(every), choose.choice(every)
    splits = [found.step for found in every if found.step.get("branches")]
    place = choose.choice([other.path, f"{other.path.rpartition('.')[0]}.{other.index + 1}"])
    split = choose.choice(splits)["id"] if splits else ""
    return choose.choice(
        [
            {"op": "insert", "at": place, "step": {"action": choose.choice(ACTIONS)}},
            {"op": "move", "step": one.step["id"], "to": place},
            {"op": "move_steps", "steps": [one.step["id"], other.step["id"]], "to": place},
            {"op": "delete", "step": one.step["id"], "keep": choose.choice([None, 0])},
            {"op": "duplicate", "step": one.step["id"]},
            {"op": "update", "step": one.step["id"], "params": {"days": choose.randint(0, 9)}},
            {"op": "move_branch", "step": split, "branch": 0, "to": 1},
            {"op": "remove_branch", "step": split, "branch": 0, "keep": choose.choice([None, "after", 0])},
            {"op": "set_branch", "step": split, "branch": 0, "name": "Step 1 of 2 <i>7</i>"},
        ]
    )


@pytest.mark.django_db
@given(st.integers(0, 10_000), st.integers(2, 60), st.booleans())
@settings(max_examples=examples(40), deadline=None)
def test_it_does_in_workflows_of_any_shape_and_after_undoing(seed: int, count: int, editable: bool) -> None:
    choose, document = random.Random(seed), copy.deepcopy(tree(seed, count).document)
    before, undo = canvas_of(document, choose, editable=editable), None
    for _turn in range(6):
        op = undo if undo and choose.random() < 0.3 else None
        try:
            document, undo, _selected = drafting.changed(document, op or any_change(document, choose))
        except DocumentError:
            continue
        if not document["steps"]:
            break
        after = canvas_of(document, choose, editable=editable)
        agree(before, after)
        before = after


def plain(document: Document) -> Drawn:
    return drawn(layout(parse(document)), State())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("op", "sent"),
    [
        ({"op": "insert", "at": "steps.0", "step": {"action": "delay", "id": "new"}}, 2),
        ({"op": "update", "step": "s2", "params": {"days": 77}}, 1),
        ({"op": "delete", "step": "s1"}, 0),
        ({"op": "move", "step": "s1", "to": "steps.2"}, 0),
        ({"op": "rename", "name": "Another"}, 0),
    ],
)
def test_of_five_hundred_steps_only_those_that_say_something_else_are_sent(op: Document, sent: int) -> None:
    document = workflow_of(500).document
    before, after = plain(document), plain(drafting.changed(document, op)[0])
    told = agree(before, after)
    assert sum(isinstance(part, str) for part in told["parts"]) - go_tos(told) == sent
    assert len(json.dumps(told)) < len(after.html) / 8


def go_tos(told: dict[str, Any]) -> int:
    """How many cards are sent because they name others by their numbers."""
    return sum(isinstance(part, str) and "flow-jump" in part for part in told["parts"])


def ask(client: Client, workflow: Workflow, rev: int, seen: str, **op: Any) -> Any:
    url = f"{reverse('admin:workflow_ops', args=[workflow.pk])}?seen={seen}"
    return client.post(url, json.dumps({"op": op, "rev": rev}), content_type="application/json")


@pytest.fixture
def drafted(admin_user: User) -> Workflow:
    steps = [{"id": f"s{number}", "action": "delay", "params": {"days": 1}} for number in range(9)]
    return drafting.create("Nine", "contact", admin_user, {"trigger": {"kind": "manual"}, "steps": steps})


@pytest.mark.django_db
def test_a_page_is_sent_what_has_changed_and_whoever_shows_something_else_the_whole_canvas(
    admin_client: Client, drafted: Workflow, patient: redis.Redis
) -> None:
    page = admin_client.get(reverse("admin:workflow_editor", args=[drafted.pk])).content.decode()
    seen = re.search(r'data-picture="(\w+)"', page)[1]
    added = {"op": "insert", "at": "steps.3", "step": {"action": "delay", "params": {"days": 2}}}
    first = ask(admin_client, drafted, 0, seen, **added).json()
    assert "canvas" not in first and first["patch"]["since"] == seen
    assert 0 < patient.ttl(key(drafted.pk, seen)) <= CHANGED < patient.ttl(key(drafted.pk, first["picture"]))
    browser = Browser(re.search(r'<svg id="flow-lines".*?</ol>', page, re.DOTALL)[0])
    browser.patch(first["patch"])
    whole = admin_client.get(f"{reverse('admin:workflow_editor', args=[drafted.pk])}?format=json").json()
    assert browser.items == Browser(whole["canvas"]).items and whole["picture"] == first["picture"]
    late = ask(admin_client, drafted, 0, first["picture"], op="rename", name="Late")
    assert late.status_code == 409 and "added the step" in late.json()["conflict"]
    for unknown in ("", "0123456789abcdef", "x" * 300):
        answer = ask(admin_client, drafted, 1, unknown, op="update", step="s1", params={"days": 1}).json()
        assert "patch" not in answer and answer["canvas"].count('class="flow-card') == 11


@pytest.mark.django_db
def test_what_another_version_has_kept_is_not_known(
    admin_client: Client, drafted: Workflow, patient: redis.Redis
) -> None:
    for kept in (b"x", zlib.compress(b"[]"), zlib.compress(b'["", [["a"]]]'), zlib.compress(b"5")):
        patient.set(key(drafted.pk, "older"), kept, ex=60)
        assert shown.find(drafted.pk, "older") is None


@pytest.mark.django_db
def test_without_redis_the_whole_canvas_is_sent(
    admin_client: Client, drafted: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = admin_client.get(f"{reverse('admin:workflow_editor', args=[drafted.pk])}?format=json").json()["picture"]
    assert shown.find(drafted.pk, seen) is not None
    away = Shown()
    away.client = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr("workflows.editor.page.shown", away)
    answer = ask(admin_client, drafted, 0, seen, op="delete", step="s1")
    assert answer.status_code == 200 and answer.json()["canvas"].count('class="flow-card') == 9
