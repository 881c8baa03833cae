"""The associations of a record page: shown, searched, added and removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.admin.activity_lines import TOLD
from crm.record_links import may, names_of, url_of
from records import labelling
from records.associations import associations_of, dissociate, ids_of
from records.ids import id_of
from records.journal import change_source
from records.models import Association
from records.object_types import ObjectType

SHOWN = 10
FOUND = 8


@dataclass(frozen=True)
class Linked:
    """One associated record."""

    id: int
    name: str
    url: str
    label: str


@dataclass
class Panel:
    """The associated records of one type; `total` may be more than are shown."""

    type: ObjectType
    label: str
    total: int = 0
    linked: list[Linked] = field(default_factory=list)
    may_view: bool = True


def panels(object_type: ObjectType, record_id: int, user: Any) -> list[Panel]:
    """A panel per object type the record can be associated with; others are in the timeline."""
    links = Association.objects.filter(from_type=object_type.slug, from_id=record_id).order_by("-id")
    by_type: dict[str, list[tuple[int, str]]] = {}
    for to_type, to_id, label in links.exclude(to_type__in=TOLD).values_list("to_type", "to_id", "label"):
        by_type.setdefault(to_type, []).append((to_id, label))
    found = []
    for slug, association in associations_of(object_type).items():
        if slug in TOLD or association.relation is not None or not may(user, "view", association.to):
            continue
        pairs = by_type.get(slug, [])
        alive = association.to.records().filter(pk__in={pk for pk, _label in pairs}) if pairs else []
        names = {record.pk: association.to.name_of(record) for record in alive}
        living = [(pk, label) for pk, label in pairs if pk in names]
        panel = Panel(association.to, capfirst(str(association.to.label_plural)), len(living))
        panel.linked = [Linked(pk, names[pk], url_of(association.to, pk), label) for pk, label in living[:SHOWN]]
        found.append(panel)
    return found


def find(object_type: ObjectType, record_id: int, slug: str, text: str, user: Any) -> list[Linked]:
    """Records of another type whose name has the text in it and that are not associated yet."""
    association = associations_of(object_type).get(slug)
    if association is None or not may(user, "view", association.to) or len(text.strip()) < 2:
        return []
    taken = ids_of(object_type, [record_id], association.to).get(record_id, [])
    if association.to is object_type:
        taken = [*taken, record_id]
    records = (
        association.to.records().filter(named(association.to, text)).exclude(pk__in=taken).order_by("-pk")[:FOUND]
    )
    return [Linked(one.pk, association.to.name_of(one), url_of(association.to, one.pk), "") for one in records]


def named(object_type: ObjectType, text: str) -> Q:
    """The condition that every word of a text is somewhere in a record's name."""
    names = [object_type.name_property]
    names += [name for name in ("first_name", "last_name") if name in object_type.properties()]
    condition = Q()
    for word in text.split():
        condition &= Q(*[(f"{name}__icontains", word) for name in names], _connector=Q.OR)
    return condition


def change(object_type: ObjectType, record_id: int, request: HttpRequest, *, remove: bool) -> None:
    """Make or remove the posted association (type, id, label)."""
    association = associations_of(object_type).get(request.POST.get("type", ""))
    other = id_of(request.POST.get("id"))
    if association is None or other is None or not may(request.user, "view", association.to):
        messages.error(request, _("Choose a record to associate."))
        return
    pair = [(record_id, other)]
    label = request.POST.get("label", "").strip()[:60]
    name = names_of(association.to, [other]).get(other)
    if name is None:
        messages.error(request, _("The record does not exist any more. Choose another."))
        return
    with change_source("admin", actor=request.user):
        if remove:
            dissociate(object_type, association.to, pair, label)
        else:
            labelling.link(object_type, association.to, pair, label)
    told = _("No longer associated with %(name)s.") if remove else _("Associated with %(name)s.")
    messages.success(request, told % {"name": name})
