"""Workflows that enroll records in others: who may not change the others does not do so by way of these either.

What they enroll a record in, or take it out of, they do with that workflow; by hand only who may change it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import F, Func, JSONField, Q, Value

from records.ids import id_of
from workflows.definitions.cycles import ENROLLING
from workflows.definitions.definition import Definition, Step
from workflows.enrollment.leaving import ALL
from workflows.models import Revision, Workflow

#: Strict, because otherwise an array of steps would itself look like a step with the action of one of them.
STEPS = "strict $.** ? (({actions}) && exists(@.params.workflow)).params.workflow".format(
    actions=" || ".join(f'@.action == "{action}"' for action in ENROLLING)
)
OTHERS = "lax $.unenroll.others[*]"
#: Not a list of workflows but the word for all of them.
ALL_OTHERS = f'lax $.unenroll.others ? (@ == "{ALL}")'


def target_of(step: Step) -> int | None:
    """The workflow a step enrolls records in; None for one that enrolls in none."""
    return number_of(step.params.get("workflow")) if step.action in ENROLLING else None


def taken_out_of(definition: Definition) -> list[int]:
    """The workflows its records are taken out of when they enter, as far as they are named (UNE-07)."""
    unenroll = definition.document.get("unenroll")
    others = unenroll.get("others") if isinstance(unenroll, dict) else None
    return [pk for one in others if (pk := number_of(one))] if isinstance(others, list) else []


def takes_out_of_all(definition: Definition) -> bool:
    """Whether its records are taken out of every other workflow when they enter."""
    unenroll = definition.document.get("unenroll")
    return isinstance(unenroll, dict) and unenroll.get("others") == ALL


def of_type(object_types: Collection[str]) -> dict[str, set[int]]:
    """The workflows that are not deleted by object type; nothing is asked for no type."""
    found: dict[str, set[int]] = {}
    if object_types:
        rows = Workflow.objects.filter(object_type__in=object_types, deleted_at=None)
        for slug, pk in rows.values_list("object_type", "pk"):
            found.setdefault(slug, set()).add(pk)
    return found


def number_of(sent: Any) -> int | None:
    return None if isinstance(sent, bool) else id_of(str(sent))


def targets(workflows: Collection[int] | None = None) -> dict[int, set[int]]:
    """By workflow those whose enrollments its live revision or its draft makes or ends; of all, or of some."""
    rows = Revision.objects.filter(Q(published_at=None) | Q(pk=F("workflow__live")))
    if workflows is not None:
        rows = rows.filter(workflow__in=workflows)
    rows = rows.annotate(entered=named_at(STEPS), left=named_at(OTHERS), whole=named_at(ALL_OTHERS))
    rows = rows.exclude(entered=[], left=[], whole=[])
    found: dict[int, set[int]] = {}
    everywhere: dict[int, str] = {}
    for owner, slug, entered, left, whole in rows.values_list(
        "workflow", "workflow__object_type", "entered", "left", "whole"
    ):
        found.setdefault(owner, set()).update(pk for one in [*entered, *left] if (pk := number_of(one)))
        if whole:
            everywhere[owner] = slug
    known = of_type(set(everywhere.values()))
    for owner, slug in everywhere.items():
        found[owner] |= known.get(slug, set()) - {owner}
    return found


def named_at(path: str) -> Func:
    return Func(
        F("definition"), Value(path),
        template="jsonb_path_query_array(%(expressions)s::jsonpath, '{}', true)", output_field=JSONField(),
    )  # fmt: skip


def targets_of_targets(workflows: Iterable[int]) -> dict[int, set[int]]:
    """What some workflows enroll records in, what those do, and so on."""
    found: dict[int, set[int]] = {}
    unread = set(workflows)
    while unread:
        found |= {pk: set() for pk in unread} | targets(unread)
        unread = set().union(*found.values()) - set(found)
    return found


def leading_to(ends: Iterable[int], leads: Mapping[int, Collection[int]]) -> set[int]:
    """The workflows from which a record may come, over however many others, to one of `ends`."""
    before: dict[int, set[int]] = {}
    for owner, reached in leads.items():
        for pk in reached:
            before.setdefault(pk, set()).add(owner)
    found: set[int] = set()
    waiting = list(ends)
    while waiting:
        new = before.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
