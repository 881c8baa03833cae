"""Triggers of workflows that are on and name what is not there any more: without a word nobody would enter.

An action or an event may go away with the package it came from, a form or a list by hand. The review of the workflow
says what is missing; whoever watches over it is told that something is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.utils.translation import gettext_lazy as _

from records.problems import DocumentError
from records.vocabulary import read_once
from workflows.definitions.checking import errors, trigger_problems
from workflows.definitions.parsing import parse
from workflows.health import stuck
from workflows.models import Revision, Workflow

#: How many are read in one look: the others are known from earlier ones.
PORTION = 50
#: By live revision when it was read last, and how many faults its trigger had.
known: dict[int, tuple[dt.datetime, int]] = {}


def broken(now: dt.datetime) -> list[tuple[int, int, list[int]]]:
    """The workflows records should enter and cannot, with the number of faults and the id of the revision."""
    rows = Workflow.objects.filter(status__in=Workflow.OPEN, deleted_at=None, live__isnull=False)
    live = dict(rows.values_list("live", "pk"))
    read_again(live, now)
    for gone in known.keys() - live.keys():
        del known[gone]
    return [(workflow, known[pk][1], [pk]) for pk, workflow in sorted(live.items()) if pk in known and known[pk][1]]


@read_once()
def read_again(live: Collection[int], now: dt.datetime) -> None:
    """Look at those that were never looked at, then at those that were looked at longest ago."""
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    waiting = sorted(live, key=lambda pk: (known.get(pk, (never, 0))[0], pk))[:PORTION]
    for revision in Revision.objects.filter(pk__in=waiting):
        known[revision.pk] = (now, faults(revision))


def faults(revision: Revision) -> int:
    try:
        return len(errors(trigger_problems(parse(revision.definition))))
    except DocumentError as error:
        return len(error.problems)


RULE = stuck.Rule(
    "trigger_broken",
    "",
    _("The trigger names something that is not there any more, so records do not enter as they should."),
    _("The workflow's review says what is missing. Change the trigger and publish it, or turn the workflow off."),
    always=True,
    ask=broken,
)


def register_rule() -> None:
    stuck.RULES[RULE.code] = RULE
