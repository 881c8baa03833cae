"""Who would not get in although the trigger is met: the guards at the door of a draft, before it is published."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from workflows.enrollment.doors import guarded
from workflows.reviewing.conditions import Conditions


def kept_out(conditions: Conditions, records: QuerySet[Any]) -> int:
    """How many of the records suppression lists, unenrollment criteria or the goal would keep out."""
    document = conditions.definition.document
    if not guarded(document):
        return 0
    unenroll, suppress = document.get("unenroll"), document.get("suppress")
    asked = [document.get("goal"), unenroll.get("criteria") if isinstance(unenroll, dict) else None]
    asked += [{"all": [{"list": slug, "operator": "is_member"}]} for slug in suppress or () if isinstance(slug, str)]
    found: list[Q] = [compiled.q for one in asked if (compiled := conditions.compiled(one))]
    return records.filter(reduce(or_, found)).count() if found else 0
