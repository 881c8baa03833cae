"""The editor's server side: layout and drawing beside a loop everybody can run, and what a page weighs."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from workflows import drafting
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.editor.canvas import State, canvas
from workflows.editor.layout import layout

SIZES = {200: 25.0, 500: 80.0}
ROUNDS, PAGE_GOAL_KB = 15, 20.0
SCRIPT = Path(__file__).resolve().parent.parent / "workflows" / "static" / "workflows" / "editor.js"
SCRIPT_LINES, SCRIPT_KB = 600, 8.0
DEPTH = 4


def run(out: TextIO) -> bool:
    """Print milliseconds of CPU, shares of the reference loop, and sizes; True when the goals are met."""
    loop = fastest(reference)
    out.write(f"\nThe editor, best of {ROUNDS}, CPU ms; the reference loop (a million additions) took {loop:.1f} ms\n")
    met = [one_size(count, goal, loop, out) for count, goal in SIZES.items()]
    return all([*met, page_weight(out), script_weight(out)])


def one_size(count: int, goal: float, loop: float, out: TextIO) -> bool:
    definition = workflow_of(count)
    steps, picture = len(definition.by_id), layout(definition)
    laid, drawn = fastest(lambda: layout(definition)), fastest(lambda: canvas(picture, State()))
    out.write(
        f"{steps} steps, {len(picture.lanes)} go-tos: layout {laid:.1f}, drawing {drawn:.1f}, together "
        f"{laid + drawn:.1f} (goal {goal:.0f}); {(laid + drawn) / loop:.2f} of the loop\n"
    )
    return laid + drawn <= goal


def page_weight(out: TextIO) -> bool:
    user = get_user_model()._default_manager.create_superuser("bench-editor")
    document = {**workflow_of(200).document, "trigger": {"kind": "manual"}}
    workflow = drafting.create("Benchmark", "contact", user, document)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    page = client.get(reverse("admin:workflow_editor", args=[workflow.pk])).content
    small = len(gzip.compress(page, 6)) / 1000
    out.write(
        f"The page of 200 steps: {len(page) / 1000:.0f} KB, {small:.1f} KB after gzip (goal {PAGE_GOAL_KB:.0f})\n"
    )
    return small <= PAGE_GOAL_KB


def script_weight(out: TextIO) -> bool:
    text = SCRIPT.read_bytes()
    lines, small = len(text.splitlines()), len(gzip.compress(text, 9)) / 1024
    out.write(f"editor.js: {lines} lines (goal {SCRIPT_LINES}), {small:.2f} KB after gzip (goal {SCRIPT_KB:.0f})\n")
    return lines <= SCRIPT_LINES and small <= SCRIPT_KB


def reference() -> int:
    total = 0
    for i in range(1_000_000):
        total += i * i
    return total


def fastest(work: Callable[[], Any]) -> float:
    """CPU milliseconds of this process, the best of several rounds."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found) * 1000


def workflow_of(count: int) -> Definition:
    """The same workflow of that many steps each time: branchings in branchings, a go-to here and there."""
    choose = random.Random(count)
    number = iter(range(1, count * 2))
    made: list[str] = []

    def steps(left: int, depth: int) -> Iterator[dict[str, Any]]:
        while left > 0:
            step: dict[str, Any] = {
                "id": f"s{next(number)}",
                "action": "delay",
                "params": {"days": choose.randint(1, 9)},
            }
            left -= 1
            if depth < DEPTH and left > 6 and choose.random() < 0.2:
                share = left // 2
                left -= share
                names = ["Enterprise", "Mid-market", "None met"][: choose.randint(2, 3)]
                ways = [{"name": name, "steps": list(steps(share // len(names), depth + 1))} for name in names]
                step = {"id": step["id"], "action": "branch", "branches": ways}
            elif depth and made and left == 0 and choose.random() < 0.3:
                step |= {"action": "go_to", "params": {"step": choose.choice(made)}}
            made.append(step["id"])
            yield step

    found = list(steps(count, 0))
    found += [{"id": f"e{n}", "action": "delay", "params": {"days": 1}} for n in range(count - len(made))]
    return parse({"object": "contact", "steps": found})
