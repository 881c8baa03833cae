"""Every script people could do harm with, as a step: stopped, told in the history with the remedy, alone in its harm.

The scripts go the whole way a step's script goes, several at once in the rounds of one worker, with a harmless one of
another workflow among them; what each does to its own process test_sandbox looks at more closely.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import Contact
from tests.workflows import building
from tests.workflows.actions.test_custom_code import DOUBLE, code, main, problems, told
from tests.workflows.building import NOW
from tests.workflows.code.test_sandbox import children
from workflows.code.running import run_waiting
from workflows.code.sandbox import run
from workflows.engine.taking_steps import run_due
from workflows.models import CodeRun, Enrollment

pytestmark = pytest.mark.django_db

LOOP, CORRECT = "Look for a loop that never ends", "Correct the code, or have it catch the error."
TIME, LESS = "Custom code stopped: it took more than 1 seconds.", "Give back less, or another type."
#: Those whose time is over, by what they do.
ENDLESS = {
    "while (true) {}": main("while (true) {}"),
    "for (;;) await null": main("for (;;) await null;"),
    "a promise that never comes": main("await new Promise(() => {});"),
    "a catastrophic expression": main("/^(a+)+$/.test('a'.repeat(40) + '!');"),
    "a getter that loops when it is read": main("return { outputFields: { get x() { for (;;) {} } } };"),
    "a toJSON that loops": main("console.log({ toJSON() { for (;;) {} } });"),
}
#: Those with another end: what they do, how the sentence about it goes, and what it tells people to do.
STOPPED = {
    "a syntax error": ("exports.main = (", "The code cannot be read: SyntaxError", "Correct it"),
    "no exports.main": ("const x = 1;", "The code has no exports.main.", "Begin it with: exports.main"),
    "a gigabyte at once": (
        main("\nreturn { outputFields: { x: new Uint8Array(1e9).length } };"),
        "an error in line 2: RangeError: Array buffer allocation failed", CORRECT,
    ),
    "64 buffers of 64 megabytes": (
        main("for (let i = 0, a = []; i < 64; i++) a.push(new Uint8Array(64e6).fill(1));"),
        "allocation failed", CORRECT,
    ),
    "small things without end": (
        main("const a = []; for (;;) a.push(new Array(1e4).fill(a.length));"),
        "Custom code stopped: it took more than 128 MB of memory.", "Have it keep less at a time.",
    ),
    "a text that doubles": (main("let t = 'ab'; for (;;) t += t;"), "Invalid string length", CORRECT),
    "a function that calls itself": (
        main("const deep = () => deep() + 1; deep();"), "Maximum call stack size exceeded", CORRECT,
    ),
    "a result of 50 megabytes": (main("return { outputFields: { x: 'y'.repeat(50e6) } };"), "65000 at most", LESS),
    "a result that holds itself": (
        main("const x = {}; x.x = x; return { outputFields: { x } };"), "make it text with JSON.stringify", LESS,
    ),
    "a BigInt": (main("return { outputFields: { x: 10n } };"), "is a bigint: make it text with String", LESS),
    "import('fs')": (main("await import('fs');"), "an error in line 1: Error: Not supported", CORRECT),
    "require": (main("require('fs');"), "“fs” cannot be loaded: there are no modules here", CORRECT),
    "process": (main("process.kill(1);"), "process.kill is not a function", CORRECT),
    "the constructor of a constructor": (
        main("return (() => {}).constructor('return process')().mainModule.require('fs');"),
        "reading 'require'", CORRECT,
    ),
    "fetch of this machine": (
        main("await fetch('https://127.0.0.1/');"), "127.0.0.1 (this machine itself)",
        "An administrator can allow it with WEBHOOK_ALLOWED_HOSTS.",
    ),
}  # fmt: skip
#: What does harm to nobody but itself: whatever comes of it, it comes to an end.
RUINS = main(
    "Object.prototype.outputs = { x: 'forged' }; Object.prototype.result = 'forged'; Array.prototype.push = null;"
    "JSON.stringify = () => '{}'; Promise.prototype.then = null; return { outputFields: { x: 1 } };"
)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    before, descriptors = children(), len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert children() <= before
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
    assert not CodeRun.objects.exists()


def run_all(scripts: dict[str, str]) -> dict[str, Enrollment]:
    """What came of scripts that wait together with a harmless one, which has its result; by their names."""
    contact = Contact.objects.create(lead_score=21)
    good = code("js", DOUBLE, {"n": "lead_score"}, {"twice": "number"})
    made = {
        name: building.enroll(building.make_workflow([code("js", text, {}, {"x": "text"})]), [contact.pk])[0]
        for name, text in scripts.items()
    }
    neighbours = building.enroll(building.make_workflow([good]), [contact.pk])
    while run_due(NOW):
        pass
    # The same worker goes on with others afterwards.
    assert run_waiting(NOW, at_once=6) == len(made) + 1
    neighbours += building.enroll(building.make_workflow([good]), [contact.pk])
    while run_due(NOW) or run_waiting(NOW):
        pass
    for one in neighbours:
        assert Enrollment.objects.get(pk=one.pk).outputs["js"] == {"twice": 42}
    found = {name: Enrollment.objects.get(pk=one.pk) for name, one in made.items()}
    assert {one.status for one in found.values()} == {"completed"}
    return found


@pytest.mark.covers("DOP-07", "LIM-12")
def test_what_never_ends_is_stopped_and_told_with_the_remedy(settings: Any) -> None:
    settings.CUSTOM_CODE_SECONDS = 1
    for name, enrollment in run_all(ENDLESS).items():
        sentence = told(enrollment)[-1]
        assert TIME in sentence and LOOP in sentence and sentence.endswith("The record went on."), (name, sentence)


@pytest.mark.covers("DOP-07", "LIM-12")
def test_whatever_else_a_script_tries_is_told_with_the_remedy() -> None:
    found = run_all({name: text for name, (text, _sentence, _remedy) in STOPPED.items()} | {"ruins": RUINS})
    for name, (_text, sentence, remedy) in STOPPED.items():
        told_of = told(found[name])[-1].replace("&#x27;", "'")
        assert sentence in told_of and remedy in told_of, (name, told_of)
        assert told_of.endswith("The record went on."), (name, told_of)
    assert "forged" not in str(found["ruins"].outputs) + told(found["ruins"])[-1]


def test_ten_thousand_lines_of_console_are_told_by_the_first_ones_and_a_number() -> None:
    text = main("for (let i = 0; i < 10000; i++) console.log('line ' + i); return { outputFields: { x: 'done' } };")
    sentence = told(run_all({"lines": text})["lines"])[-1]
    assert "gave x: done" in sentence and "line 0\nline 1\n" in sentence and "… and 9900 more lines" in sentence
    assert "line 100" not in sentence


def test_ten_megabytes_of_source_are_refused_and_if_they_came_all_the_same_they_come_to_an_end() -> None:
    code_of = "// " + "x" * 10_000_000 + "\n" + main("return { outputFields: { x: 1 } };")
    [problem] = problems(code("js", code_of)).values()
    assert "longer than 100000 characters" in problem
    found = run(code_of, {"inputFields": {}}, ["x"])
    assert found.outputs == {"x": 1} or found.fault is not None
