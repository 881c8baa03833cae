"""Steps that change properties: only who may edit a property brings them into a workflow (PRM-05, PRM-06).

Triggers, filters and branches may look at any property (PRM-07, FLT-48); to copy a value, or to write it into a text,
takes the right to see it. What workflows enroll records in is asked in workflows.rights.naming.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.models import Access
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.property_access.rights import PropertyRights, property_label, reason, rights_of
from records.seeing import may_use
from workflows.data_sources.uses import sources_read
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import FORMAT, parse
from workflows.definitions.permitted import shown
from workflows.events.occasion import names_told, properties_behind
from workflows.registries import actions
from workflows.rights import naming
from workflows.step_forms.params import StepContext


@dataclass(frozen=True)
class Fault:
    """A part of a definition that does what the person may not.

    `part` is the id of the step, else the path; `name` what it does that with: "object_type.property", or the id of
    a workflow.
    """

    path: str
    part: str
    name: str
    message: str

    @property
    def problem(self) -> Problem:
        return Problem(self.path, self.message, self.name, code="forbidden")


def faults(definition: Definition, user: Any) -> Iterator[Fault]:
    """Every step that changes what the person may not edit, or tells the value of what they may not see.

    Also every part that does so by way of another workflow.
    """
    rights = rights_of(user)
    if not rights.restricted:
        return
    for part in naming.refused(definition, user):
        yield Fault(part.path, part.part, str(part.workflow), part.message)
    context, behind = StepContext(definition), properties_behind(definition)
    for step in definition.walk():
        action, here = actions[step.action], context.at(step)
        changed = action.writes(step.params, here)
        for name in rights.below(changed, Access.EDIT):
            facts = {"action": action.label, "property": property_label(name), "why": reason(level_of(rights, name))}
            message = _(
                "“%(action)s” changes “%(property)s”: %(why)s. Choose another property, or ask somebody with the "
                "right to edit it."
            )
            yield Fault(f"{step.path}.params", step.id, name, message % facts)
        # What only steers records tells no values; what copies them, or writes them into texts, does.
        told = set() if action.flow else action.reads(step.params, here) - changed
        told = told if action.flow else told | sources_read(step.params, here)
        if behind and not action.flow:
            told = told.union(*(behind.get(name, ()) for name in names_told(step.params)))
        for name in rights.below(told, Access.VIEW):
            message = _(
                "“%(action)s” would tell the value of “%(property)s”: you have no access to it. Leave the property "
                "out, or ask somebody who may see it."
            )
            told_facts = {"action": action.label, "property": property_label(name)}
            yield Fault(f"{step.path}.params", step.id, name, message % told_facts)


def problems(definition: Definition, user: Any) -> Iterator[Problem]:
    """What keeps a person from publishing: a problem for each fault."""
    return (fault.problem for fault in faults(definition, user))


def reading_problems(names: set[str], user: Any) -> Iterator[Problem]:
    """A warning before a person publishes what they cannot open afterwards; `names` is all that is read."""
    hidden = rights_of(user).below(names, Access.VIEW)
    if hidden:
        message = _(
            "The workflow looks at “%(property)s”, to which you have no access. Once it is published you cannot open "
            "it any more."
        )
        facts = {"property": property_label(hidden[0])}
        yield Problem("", message % facts, hidden[0], severity="warning", code="closes")


def refuse_beyond_rights(before: Any, after: Any, user: Any) -> None:
    """Raise DocumentError for faults that a change of a definition brings in; those it had already stay."""
    if not rights_of(user).restricted:
        return
    had = {(fault.part, fault.name) for fault in faults(parse(before), user)} if before else set()
    found = [fault.problem for fault in faults(parse(after), user) if (fault.part, fault.name) not in had]
    if found:
        raise DocumentError(found)


def unfit(action: Any, object_type: ObjectType, user: Any) -> str:
    """Why a person cannot use an action: a right, or a property it always changes (PRM-06); "" where they can."""
    if action.permission and user is not None and not may_use(user, action.permission):
        return _("Takes the right “%(right)s”") % {"right": shown(action.permission)}
    rights = rights_of(user)
    if not rights.restricted:
        return ""
    context = StepContext(parse({"format": FORMAT, "name": "", "object": object_type.slug, "steps": []}), user=user)
    fixed = rights.below(action.writes({}, context), Access.EDIT)
    if not fixed:
        return ""
    facts = {"property": property_label(fixed[0]), "why": reason(level_of(rights, fixed[0]))}
    return _("Changes “%(property)s”: %(why)s") % facts


def level_of(rights: PropertyRights, name: str) -> Access:
    """The right on "object_type.property"."""
    kind, _dot, slug = name.partition(".")
    return rights.level(kind, slug)
