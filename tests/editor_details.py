"""The details the editor promises, each in our words, and the tests that show it. Reads files only, runs nothing.

A test says what it shows with `@pytest.mark.detail(7)`. `python -m tests.editor_details` writes docs/editor-details.md
anew.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator

from tests.coverage_of_spec import TESTS, told

PAGE = TESTS.parent / "docs" / "editor-details.md"
BEGIN, END = "<!-- details: begin -->", "<!-- details: end -->"
DETAILS = {
    1: "The trigger says in one sentence whom it enrolls; its groups are boxes with “and” and “or” written "
    "between them.",
    2: "While filters are built, the number of records that match now is told, with examples; where none does, "
    "the rule that leaves nobody.",
    3: "A plus opens a palette of actions that is searched by typing: what was used last comes first, and what "
    "cannot be used here stays in it, grey, with the reason.",
    4: "A card tells its setting, with number, icon and colour; resting on it shows every setting, a message "
    "with its whole text; the panel shows a message as a record's owner would get it.",
    5: "A step can be put in now and set up later: its card says what it needs, the publish button counts such "
    "cards, F8 goes to the next.",
    6: "Settings open beside the canvas, under an address of their own; the card stays in sight, and closing "
    "gives the focus back to it.",
    7: "One form checks a step wherever it comes from. Unfinished settings are kept and marked, wrong ones are "
    "never taken without a word.",
    8: "Every operation is saved at once, into the draft; what is live waits for publishing. The bar says what "
    "is saved and how many changes are kept while there is no connection; they go out once there is one.",
    9: "When two people work on one draft, the later one is told who did what, and may keep the own change.",
    10: "Whatever was done in the last 30 days can be undone, also after a reload; changes are listed, and states "
    "can be named and come back to.",
    11: "Before publishing one sees what changes, what is wrong, who is enrolled, and what becomes of those "
    "inside.",
    12: "Everything works with the keyboard, and a question mark lists the keys.",
    13: "Steps and whole branchings are copied and pasted, in other workflows and installations, too.",
    14: "Steps are put elsewhere by dragging, by a menu, or by keys.",
    15: "Whoever deletes a branching chooses which branch stays; the deed is undone from the note that tells of "
    "it.",
    16: "Steps are found by what their cards say, one hit after the other.",
    17: "The view fits the width, grows and shrinks, has a small map, and is the same after a reload; from afar "
    "cards show their names only.",
    18: "Branches fold, and say how many steps and problems they hide; the outline tells the same workflow as a "
    "list.",
    19: "A go-to's line keeps clear of all cards and lights up; chips on both ends name the other and lead there. "
    "Circles cannot be made.",
    20: "The canvas counts the records on each step and leads to them.",
    21: "A workflow is tried with a real record, also with other values: its way, what each step would do, the "
    "messages, and nothing stays.",
    22: "For one record and one workflow it is told why it is enrolled or is not, rule by rule.",
    23: "Before something is turned off or deleted it is said what uses it, and a person who is gone is a problem "
    "that shows in the list.",
    24: "Steps carry notes, and threads of comments that notify the people mentioned and are resolved; the card and "
    "the outline show both, a thread until it is resolved.",
    25: "The first screen offers goals with pictures of their steps, and says what they lack.",
}  # fmt: skip


def named(node: ast.AST) -> Iterator[int]:
    """The numbers that `detail` markers name anywhere in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.mark.detail":
            yield from (int(argument.value) for argument in part.args if isinstance(argument, ast.Constant))


def shown() -> dict[int, list[tuple[str, str]]]:
    """Every detail with its tests as (module, name), in the order of the files."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for number in dict.fromkeys(named(node)):
                    found[number].append((str(path.relative_to(TESTS)), node.name))
    return dict(found)


def table() -> str:
    found = shown()
    lines = ["| | detail | shown by |", "| ---: | --- | --- |"]
    for number, words in DETAILS.items():
        lines.append(f"| {number} | {words} | {'<br>'.join(told(*test) for test in found.get(number, ()))} |")
    return "\n".join(lines)


def page() -> str:
    """docs/editor-details.md with the table as it should be."""
    text = PAGE.read_text()
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n\n{table()}\n\n{END}{text.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} is current.\n")
