"""Data sources in sentences, as their list shows them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.data_sources.declared import ASSOCIATION, FIRST_CREATED, LAST_CREATED, LAST_UPDATED, MATCH
from workflows.data_sources.known import KnownSource

PICK_LABELS = {
    LAST_UPDATED: gettext_lazy("Most recently updated"),
    LAST_CREATED: gettext_lazy("Most recently created"),
    FIRST_CREATED: gettext_lazy("First created"),
}


def described(known: KnownSource) -> str:
    """Which record it is, in one sentence."""
    source, context = known.source, known.context
    facts: dict[str, Any] = {
        "records": known.object_type.label_plural, "own": context.object_type.label, "label": source.label,
        "property": label_of(source.compared, known.properties), "value": source.value,
        "same_as": label_of(source.same_as, context.properties),
    }  # fmt: skip
    if source.condition == ASSOCIATION and source.label:
        sentence = _("%(records)s associated with the enrolled %(own)s as “%(label)s”")
    elif source.condition == ASSOCIATION:
        sentence = _("%(records)s associated with the enrolled %(own)s")
    elif source.condition == MATCH:
        sentence = _("%(records)s whose %(property)s is the %(same_as)s of the enrolled %(own)s")
    else:
        sentence = _("%(records)s whose %(property)s is “%(value)s”")
    return sentence % facts


def picked(known: KnownSource) -> str:
    """Which one it is if there are several."""
    if known.source.given:
        return _("The primary one, else the most recently updated")
    return str(PICK_LABELS.get(known.source.pick, known.source.pick))


def label_of(slug: str, properties: Any) -> str:
    prop = properties.get(slug)
    return str(prop.label) if prop is not None else slug
