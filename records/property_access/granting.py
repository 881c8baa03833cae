"""Giving groups rights on properties, and taking them; every change is kept with who made it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext as _

from records.models import Access, PropertyAccess, PropertyAccessChange
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.property_access.rights import levels_for


def levels_of(group: Group, object_type: ObjectType) -> dict[str, Access]:
    """What a group may do with the properties it is restricted in, by property."""
    rows = PropertyAccess.objects.filter(group=group, object_type=object_type.slug).values_list("property", "level")
    return {slug: Access(level) for slug, level in rows}


@transaction.atomic
def grant(group: Group, object_type: ObjectType, levels: Mapping[str, Access], *, by: Any, now: dt.datetime) -> int:
    """Set a group's rights on the given properties; how many became another. The rest stays as it is.

    Raises DocumentError for a property there is none of, and for a right it cannot have.
    """
    refuse_impossible(object_type, levels)
    Group.objects.select_for_update().get(pk=group.pk)
    before = levels_of(group, object_type)
    changed = {slug: level for slug, level in levels.items() if before.get(slug, Access.EDIT) != level}
    rows = PropertyAccess.objects.filter(group=group, object_type=object_type.slug)
    rows.filter(property__in=changed).delete()
    PropertyAccess.objects.bulk_create(
        PropertyAccess(group=group, object_type=object_type.slug, property=slug, level=level)
        for slug, level in changed.items()
        if level != Access.EDIT
    )
    PropertyAccessChange.objects.bulk_create(
        PropertyAccessChange(
            at=now, user=by, group=group.name, object_type=object_type.slug, property=slug,
            before=before.get(slug, Access.EDIT), after=level,
        )
        for slug, level in sorted(changed.items())
    )  # fmt: skip
    return len(changed)


def refuse_impossible(object_type: ObjectType, levels: Mapping[str, Access]) -> None:
    known = object_type.properties()
    found = []
    for slug, level in levels.items():
        if slug not in known:
            message = _("There is no property “%(slug)s” of %(type)s. Use one of: %(known)s.")
            facts = {"slug": slug, "type": object_type.label_plural, "known": ", ".join(known)}
            found.append(Problem(slug, message % facts, slug, code="unknown_property"))
        elif level not in levels_for(object_type, known[slug]):
            message = _("“%(property)s” cannot have the right “%(right)s”. Use one of: %(known)s.")
            can = ", ".join(str(one.label) for one in levels_for(object_type, known[slug]))
            found.append(Problem(slug, message % {"property": known[slug].label, "right": level.label, "known": can}))
    if found:
        raise DocumentError(found)
