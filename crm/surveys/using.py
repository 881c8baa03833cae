"""Which workflows name something by its internal name in a setting of a step."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from workflows.models import Revision


def users_of(setting: str, slug: str) -> list[str]:
    """The names of the workflows whose live revision or draft has a step whose `setting` is `slug`."""
    naming = Revision.objects.alias(text=Cast("definition", TextField())).filter(
        Q(published_at=None) | Q(pk=F("workflow__live")),
        text__contains=f'"{slug}"',
        workflow__deleted_at=None,
    )
    rows = naming.values_list("workflow__name", "definition")
    return sorted({name for name, document in rows if names(document, setting, slug)})


def names(part: Any, setting: str, slug: str) -> bool:
    """Whether a step anywhere in a definition names it."""
    if isinstance(part, list):
        return any(names(one, setting, slug) for one in part)
    if not isinstance(part, dict):
        return False
    params = part.get("params")
    own = isinstance(params, dict) and params.get(setting) == slug
    return own or any(names(one, setting, slug) for one in part.values())
