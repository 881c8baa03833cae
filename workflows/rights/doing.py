"""Steps that make, change or delete records: only who may do so by hand publishes them (decision 10)."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType
from records.problems import Problem

#: Why a person cannot publish a step, by the right they lack.
SENTENCES = {
    "add": gettext_lazy("You may not create %(records)s, so you cannot publish a step that does. Choose others."),
    "change": gettext_lazy(
        "You may not change %(records)s, so you cannot publish a step that does. Ask somebody with the right to."
    ),
    "delete": gettext_lazy(
        "You may not delete %(records)s, so you cannot publish a step that does. Ask somebody with the right to."
    ),
}


def not_allowed(user: Any, verb: str, kind: ObjectType | type[Model], path: str = "") -> list[Problem]:
    """The problem that a person (None for the engine) may not add, change or delete records of a type; [] for none."""
    model = kind.model if isinstance(kind, ObjectType) else kind
    meta = model._meta
    if user is None or user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}"):
        return []
    records = kind.label_plural if isinstance(kind, ObjectType) else meta.verbose_name_plural
    name = kind.slug if isinstance(kind, ObjectType) else str(meta.model_name)
    return [Problem(path, str(SENTENCES[verb]) % {"records": records}, name, code="forbidden")]
