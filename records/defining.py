"""Adding, changing and removing custom properties, with the index that keeps a unique one unique."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Length
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.journal import change_source
from records.models import PropertyAccess, PropertyDefinition, RecordList, SegmentDependency
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.property_types.texts import UNIQUE_LIMIT
from records.saving.matching import key_expression

#: Each names, in a few words, what of its own uses a custom property. Packages above add theirs.
#: What they name is for the person they are given, or for (None) nobody in particular.
Finder = Callable[[PropertyDefinition, Any], list[str]]
finders: list[Finder] = []
#: Each names what would stop working without a custom property, which is not deleted while there is such.
needing: list[Finder] = []


def slug_for(label: str) -> str:
    """An internal name suggested for a label."""
    slug = slugify(label.replace("&", " ")).replace("-", "_")[:63].strip("_")
    return slug if slug[:1].isalpha() else f"p_{slug}".rstrip("_")


def define(definition: PropertyDefinition) -> PropertyDefinition:
    """Save a new or changed custom property.

    Raises DocumentError when its internal name is taken by a built-in property, or when it is to be unique and
    records share a value already, or have one that is too long for that.
    """
    object_type = object_types[definition.object_type]
    if any(prop.slug == definition.slug for prop in object_type.declared):
        message = _("%(type)s already have a property “%(slug)s”. Choose another internal name.")
        facts = {"type": object_type.label_plural, "slug": definition.slug}
        raise DocumentError([Problem("slug", message % facts, definition.slug)])
    with transaction.atomic():
        definition.save()
        with connection.cursor() as cursor:
            cursor.execute(f'DROP INDEX IF EXISTS "{index_name(definition)}"')
        if definition.unique:
            refuse_shared_values(object_type, definition)
            refuse_long_values(object_type, definition)
            create_index(object_type, definition)
    return definition


def refuse_shared_values(object_type: ObjectType, definition: PropertyDefinition) -> None:
    prop = definition.as_property()
    shared = (
        object_type.records()
        .annotate(_key=key_expression(prop))
        .filter(_key__isnull=False)
        .values("_key")
        .annotate(holders=Count("pk"))
        .filter(holders__gt=1)
        .order_by(F("holders").desc())
        .first()
    )
    if shared is not None:
        message = _("%(count)d %(type)s share the value “%(value)s”, so it cannot be unique. Change them first.")
        facts = {"count": shared["holders"], "type": object_type.label_plural, "value": shared["_key"]}
        raise DocumentError([Problem("unique", message % facts, True)])


def refuse_long_values(object_type: ObjectType, definition: PropertyDefinition) -> None:
    value = KeyTextTransform(definition.slug, "custom")
    long = object_type.records().annotate(_length=Length(value)).filter(_length__gt=UNIQUE_LIMIT).count()
    if long:
        message = ngettext(
            "%(count)d of the %(type)s has a value of more than %(limit)d characters, which cannot be unique. "
            "Shorten it.",
            "%(count)d of the %(type)s have values of more than %(limit)d characters, which cannot be unique. "
            "Shorten them.",
            long,
        )
        facts = {"count": long, "type": object_type.label_plural, "limit": UNIQUE_LIMIT}
        raise DocumentError([Problem("unique", message % facts, True)])


def create_index(object_type: ObjectType, definition: PropertyDefinition) -> None:
    """A partial unique index on the JSON key; its expression is the one `holders` asks with."""
    quote = connection.ops.quote_name
    living = " WHERE deleted_at IS NULL" if object_type.soft_deletes else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE UNIQUE INDEX "{index_name(definition)}" ON {quote(object_type.table)} '
            f"((custom ->> '{definition.slug}')){living}"
        )


def index_name(definition: PropertyDefinition) -> str:
    digest = hashlib.sha256(f"{definition.object_type}.{definition.slug}".encode()).hexdigest()[:16]
    return f"custom_unique_{digest}"


@dataclass(frozen=True)
class Removal:
    """What removing a custom property would do: how many records lose a value, how many criteria stand against it."""

    records: int
    criteria: int
    #: What uses the property, in a few words each: lists by name, and what the finders know.
    users: tuple[str, ...] = ()
    #: What would stop working without it.
    needed_by: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        return not self.criteria and not self.needed_by

    def sentences(self, definition: PropertyDefinition) -> list[str]:
        """What a person is told before deciding."""
        object_type = object_types[definition.object_type]
        told = [
            ngettext(
                "%(count)d of the %(type)s loses its value of “%(label)s”. This cannot be undone.",
                "%(count)d of the %(type)s lose their value of “%(label)s”. This cannot be undone.",
                self.records,
            )
            % {"count": self.records, "type": object_type.label_plural, "label": definition.label}
        ]
        if self.criteria:
            told.append(
                ngettext(
                    "%(count)d trigger or list asks for it. Change that first; until then it cannot be deleted.",
                    "%(count)d triggers or lists ask for it. Change them first; until then it cannot be deleted.",
                    self.criteria,
                )
                % {"count": self.criteria}
            )
        if self.needed_by:
            message = _("It is needed by %(users)s. Change that first; until then it cannot be deleted.")
            told.append(message % {"users": _(", ").join(self.needed_by)})
        if self.users:
            told.append(_("It is used by %(users)s.") % {"users": _(", ").join(self.users)})
        return told


def removal_of(definition: PropertyDefinition, by: Any = None) -> Removal:
    """What would happen if the property were removed, as a person may know it."""
    object_type = object_types[definition.object_type]
    criteria = SegmentDependency.objects.filter(
        object_type=definition.object_type, property=definition.slug, segment__active=True
    )
    return Removal(
        records=object_type.model._default_manager.filter(custom__has_key=definition.slug).count(),
        criteria=criteria.values("segment").distinct().count(),
        users=tuple(users_of(definition, by)),
        needed_by=tuple(use for finder in needing for use in finder(definition, by)),
    )


def users_of(definition: PropertyDefinition, by: Any = None) -> list[str]:
    """What uses a property: lists by name, then what the finders know."""
    asking = SegmentDependency.objects.filter(object_type=definition.object_type, property=definition.slug)
    lists = RecordList.objects.filter(segment__in=asking.values("segment")).order_by("name")
    named = [_("the list “%(name)s”") % {"name": one.name} for one in lists]
    return named + [use for finder in finders for use in finder(definition, by)]


def remove(definition: PropertyDefinition, *, actor: Any = None) -> int:
    """Delete a custom property and its values; how many records had one.

    Raises DocumentError while active criteria ask for it, or something would stop working without it.
    """
    object_type = object_types[definition.object_type]
    with change_source("admin", actor=actor):
        removal = removal_of(definition, actor)
        if not removal.possible:
            raise DocumentError([Problem("", sentence) for sentence in removal.sentences(definition)[1:]])
        quote = connection.ops.quote_name
        with connection.cursor() as cursor:
            cursor.execute(f'DROP INDEX IF EXISTS "{index_name(definition)}"')
            cursor.execute(
                f"UPDATE {quote(object_type.table)} SET custom = custom - %s WHERE custom ? %s",
                [definition.slug, definition.slug],
            )
        PropertyAccess.objects.filter(object_type=definition.object_type, property=definition.slug).delete()
        definition.delete()
        return removal.records
