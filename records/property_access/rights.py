"""What a person may do with a property of a record: nothing, see it, or change it (PRM-05 to PRM-09).

Everybody who asks, asks here: records, the CRM's pages, workflows. Without a rule everybody may edit. Of several
groups the one that allows most counts, and a group without a rule for a property allows to edit it; superusers always
edit. Nobody in particular (None: the engine, a command without a user) may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Count, Max, Model, Subquery
from django.utils.translation import gettext as _

from records.models import Access, PropertyAccess, RecordList
from records.models.segment import LISTED
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.property_access.closed_lists import looking_at

#: Known of every record; pages and addresses are made of them.
ALWAYS_SEEN = ("id", "created_at", "updated_at")
#: Where the rights of a user object are kept: read once per request, as Django keeps permissions.
KEPT = "_property_rights"


@dataclass(frozen=True)
class PropertyRights:
    """The properties a person may not edit, by (object type, property); of all others the right is to edit."""

    restricted: Mapping[tuple[str, str], Access] = field(default_factory=dict)
    #: The active lists that look at hidden ones, as criteria name them: "object_type.list:name".
    lists: frozenset[str] = frozenset()

    def level(self, object_type: str, slug: str) -> Access:
        return self.restricted.get((object_type, slug), Access.EDIT)

    def may_view(self, object_type: str, slug: str) -> bool:
        return self.level(object_type, slug) >= Access.VIEW

    def may_edit(self, object_type: str, slug: str) -> bool:
        return self.level(object_type, slug) >= Access.EDIT

    def seen(self, object_type: ObjectType, properties: Mapping[str, Property]) -> dict[str, Property]:
        """Those of some properties that may be seen."""
        return {slug: prop for slug, prop in properties.items() if self.may_view(object_type.slug, slug)}

    @property
    def hidden(self) -> list[str]:
        """What may not be seen, as "object_type.property", and in which lists a record may not be seen to be."""
        found = [f"{kind}.{slug}" for (kind, slug), level in self.restricted.items() if level < Access.VIEW]
        return [*found, *sorted(self.lists)]

    def below(self, names: Iterable[str], level: Access) -> list[str]:
        """Those of some "object_type.property" of which the right is less than `level`, in order."""
        parted = ((name, *name.partition(".")[::2]) for name in sorted(names)) if self.restricted else ()
        return [name for name, kind, slug in parted if self.level(kind, slug) < level or name in self.lists]


EVERYTHING = PropertyRights()


def rights_of(user: Any) -> PropertyRights:
    """The rights of a user (or the id of one); of nobody in particular, all rights.

    One query for each user object, and one more for who has no access to something.
    """
    if isinstance(user, int):
        user = get_user_model()._default_manager.filter(pk=user).first()
    if not isinstance(user, Model) or user.pk is None or getattr(user, "is_superuser", False):
        return EVERYTHING
    kept: PropertyRights | None = getattr(user, KEPT, None)
    if kept is None:
        restricted = restrictions_of(user)
        hidden = [name for name, level in restricted.items() if level < Access.VIEW]
        kept = PropertyRights(restricted, looking_at(hidden))
        setattr(user, KEPT, kept)
    return kept


def restrictions_of(user: Any) -> dict[tuple[str, str], Access]:
    """What all groups of a user restrict, with the strongest right any of them gives."""
    groups = Group.objects.filter(user=user).order_by().values("user").annotate(number=Count("pk")).values("number")
    rows = (
        PropertyAccess.objects.filter(group__user=user)
        .values("object_type", "property")
        .annotate(number=Count("pk"), strongest=Max("level"))
        .filter(number=Subquery(groups))
    )
    return {(row["object_type"], row["property"]): Access(row["strongest"]) for row in rows}


def levels_for(object_type: ObjectType, prop: Property) -> list[Access]:
    """The rights that can be given: what names a record stays visible, as every page shows it."""
    if prop.slug in ALWAYS_SEEN:
        return [Access.EDIT]
    found = [Access.NONE, Access.VIEW, Access.EDIT]
    if prop.slug in (object_type.name_property, *object_type.named_by):
        found.remove(Access.NONE)
    if prop.calculated is not None:
        # Nobody and nothing edits it: to see it or not is all there is.
        found.remove(Access.VIEW)
    return found


def property_label(name: str) -> str:
    """The label of "object_type.property", or of a list as criteria name it; the internal name where that is gone."""
    kind, _dot, slug = name.partition(".")
    if slug.startswith(LISTED):
        known = RecordList.objects.filter(slug=slug.removeprefix(LISTED)).values_list("name", flat=True).first()
        return _("membership in the list %(list)s") % {"list": known or slug.removeprefix(LISTED)}
    prop = object_types[kind].properties().get(slug) if kind in object_types else None
    return str(prop.label) if prop else name


def refusal(label: Any, level: Access) -> str:
    """Why a person may not change a property, naming it, with what to do."""
    if level < Access.VIEW:
        message = _("You have no access to “%(property)s”. Leave it out, or ask an administrator for the right.")
    else:
        message = _(
            "You may see “%(property)s” but not change it. Leave it out, or ask an administrator for the right."
        )
    return message % {"property": label}


def reason(level: Access) -> str:
    """Why a property is greyed out where one is to be changed, in a few words (PRM-06)."""
    return _("you have no access to it") if level < Access.VIEW else _("you may see it but not change it")
