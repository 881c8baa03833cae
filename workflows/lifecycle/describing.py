"""Names and descriptions for workflows nobody has named or described: made from what they do (CRE-08, REV-14)."""

from __future__ import annotations

from django.utils.text import Truncator, capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.object_types import object_types
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import NAME_LIMIT, parse
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext

#: So many kinds of steps make a name, so many steps are described one by one.
IN_NAME, DESCRIBED = 3, 8


def generated_name(definition: Definition) -> str:
    """ "Deals: Create task, Send email": the records, and what is done for them rather than how they get there."""
    steps = [step for step in definition.walk() if step.action in actions]
    doing = [step for step in steps if not actions[step.action].flow] or steps
    labels = list(dict.fromkeys(str(actions[step.action].label) for step in doing))
    records = capfirst(str(object_types[definition.object].label_plural))
    if not labels:
        return _("Workflow for %(records)s") % {"records": object_types[definition.object].label_plural}
    named = get_text_list(labels[:IN_NAME], _("and")) if len(labels) <= IN_NAME else ", ".join(labels[:IN_NAME]) + " …"
    name = _("%(records)s: %(actions)s") % {"records": records, "actions": named}
    return Truncator(name).chars(NAME_LIMIT)


def generated_description(definition: Definition) -> str:
    """Who is enrolled and what happens then, in sentences."""
    kind, steps = definition.trigger.kind, list(definition.walk())
    told = [str(triggers[kind].describe(definition.trigger.document, definition.object))] if kind in triggers else []
    for number, step in enumerate(steps[:DESCRIBED], start=1):
        told.append(f"{number}. {actions[step.action].describe(step.params, StepContext(definition, step))}")
    if len(steps) > DESCRIBED:
        more = len(steps) - DESCRIBED
        told.append(ngettext("… and %(count)d more step", "… and %(count)d more steps", more) % {"count": more})
    return ". ".join(sentence.rstrip(".") for sentence in told) + "."


def named(definition: Definition, name: str | None, description: str | None) -> Definition:
    """The definition with the name and description it is published with; None or blank leaves its own."""
    given = {"name": (name or "").strip(), "description": (description or "").strip()}
    facts = {key: text for key, text in given.items() if text and text != definition.document.get(key)}
    return parse({**definition.document, **facts}) if facts else definition
