"""Other workflows that change the same property of the same records differently: the one that comes last wins.

What a step makes of a property is its effect: a value that is always the same, an amount that is added, or (None)
whatever it turns out to be. Effects that are equal, and amounts among themselves, do not compete; neither do what
workflows make of their own records, where no record can meet both triggers. One that is associated with records of
both may be changed by both.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _

from records.criteria.contradictions import possible
from records.problems import DocumentError, Problem
from records.property_access.rights import property_label
from records.vocabulary import read_once
from workflows.definitions.definition import Definition, Step
from workflows.definitions.parsing import parse
from workflows.models import Workflow
from workflows.registries import actions
from workflows.reviewing.conditions import Conditions
from workflows.rights.opening import openable
from workflows.step_forms.params import StepContext
from workflows.texts import tokens

NAMED = 3
ADDED = "added"


@read_once()
def problems(conditions: Conditions, workflow: int, user: Any) -> list[Problem]:
    """A warning for each step that competes, with the names of the workflows the person may open."""
    mine = changes(conditions.definition)
    names = {name for name, _step, _effect in mine}
    others = Workflow.objects.filter(status__in=Workflow.OPEN, deleted_at=None, live__writes__overlap=sorted(names))
    rivals = [rival for one in others.exclude(pk=workflow).select_related("live") if (rival := read(one))]
    known = set(openable(Workflow.objects.all(), user).values_list("pk", flat=True)) if rivals and user else None
    told = [(other, changes(theirs), meet(conditions, theirs, conditions.now)) for other, theirs in rivals]
    found = []
    for name, step, effect in mine:
        against = [
            other
            for other, theirs, both in told
            if any(differ(name, effect, one) and (both or elsewhere(step) or elsewhere(one[1])) for one in theirs)
        ]
        if against:
            message = sentence(name, against, known)
            found.append(Problem(step.path, message, name, severity="warning", code="competing"))
    return found


def changes(definition: Definition) -> list[tuple[str, Step, str | None]]:
    """What each step makes of which property of records that are there ("object_type.property")."""
    found = []
    for step in definition.walk():
        action, context = actions[step.action], StepContext(definition, step)
        for name in sorted(action.writes(step.params, context)) if not action.creates else ():
            found.append((name, step, effect_of(step)))
    return found


def effect_of(step: Step) -> str | None:
    params = step.params
    if step.action == "change_number" or params.get("append"):
        return ADDED
    if step.action != "edit_record" or params.get("copy_from") or params.get("moment"):
        return None
    value = None if params.get("clear") else params.get("value")
    return None if tokens.has_tokens(value) else json.dumps(value, sort_keys=True, default=str)


def elsewhere(step: Step) -> bool:
    """Whether a step changes associated records, of which the workflow's trigger says nothing."""
    return bool(step.params.get("of"))


def differ(name: str, effect: str | None, other: tuple[str, Step, str | None]) -> bool:
    return other[0] == name and (effect is None or effect != other[2])


def read(workflow: Workflow) -> tuple[Workflow, Definition] | None:
    try:
        return (workflow, parse(workflow.live.definition)) if workflow.live else None
    except DocumentError:
        return None


def meet(conditions: Conditions, other: Definition, now: dt.datetime) -> bool:
    """Whether a record could meet both triggers; where they are of other types, or enroll by hand, it may be."""
    own, theirs = conditions.trigger, Conditions(other, now).trigger
    if own is None or theirs is None or other.object != conditions.definition.object:
        return True
    return possible([(own, True), (theirs, True)])


def sentence(name: str, against: list[Workflow], known: set[int] | None) -> str:
    named = [_("“%(name)s”") % {"name": one.name} for one in against if known is None or one.pk in known]
    more = len(against) - len(named[:NAMED])
    if more:
        named = [*named[:NAMED], _("%(count)d more") % {"count": more}]
    message = _(
        "%(property)s is changed differently by other workflows, too: %(others)s. For a record that is in both, the "
        "one that comes last wins. Let their triggers exclude each other, or change it in one place."
    )
    return message % {"property": capfirst(property_label(name)), "others": get_text_list(named, _("and"))}
