"""The tokens a person chooses from while writing a text."""

from __future__ import annotations

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from workflows.step_forms.params import StepContext
from workflows.texts.tokens import EVENT, allowed_names

Choices = list[tuple[str, str]]


def offered_tokens(context: StepContext) -> list[tuple[str, Choices]]:
    """The tokens of a text under the headings they are chosen by, those of the event first."""
    record = context.object_type
    known = allowed_names(record, context.properties)
    own = [(f"{record.slug}.{slug}", str(prop.label)) for slug, prop in context.properties.items()]
    told = [(f"{EVENT}.{slug}", str(prop.label)) for slug, prop in context.told.items()]
    parts = [(name, capfirst(name.partition(".")[2].replace("_", " "))) for name in known if name.startswith("owner.")]
    named = (
        (_("The event that enrolled it"), told),
        (capfirst(str(record.label)), [(name, label) for name, label in own if name in known]),
        (_("Owner"), parts),
    )
    groups = [(heading, [(f"{{{{ {name} }}}}", label) for name, label in found]) for heading, found in named]
    return [(heading, choices) for heading, choices in groups if choices]
