"""The associations a batch asks for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from records import associations, labelling
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.saving.rows import Link, Work

KEYS = {"type", "id", "label"}


def check_links(object_type: ObjectType, works: list[Work]) -> None:
    """Turn the rows' associations into links; a problem for each that cannot be made."""
    allowed = associations.associations_of(object_type)
    for work in works:
        for i, raw in enumerate(work.row.associations):
            link = read_link(work, i, raw, allowed)
            if link is not None:
                work.links.append(link)
    wanted: dict[str, set[int]] = defaultdict(set)
    for work in works:
        for link in work.links:
            wanted[link.to_type].add(link.to_id)
    present = {
        slug: set(allowed[slug].to.records().filter(pk__in=ids).values_list("pk", flat=True))
        for slug, ids in wanted.items()
    }
    for work in works:
        for i, link in enumerate(work.links):
            if link.to_type == object_type.slug and link.to_id == work.row.id:
                message = _("A record cannot be associated with itself. Use the id of another one.")
                work.refuse(f"associations.{i}.id", message, link.to_id)
            elif link.to_id not in present[link.to_type]:
                message = _("There is no %(type)s with the id %(id)s. Use the id of one that exists.")
                facts = {"type": allowed[link.to_type].to.label, "id": link.to_id}
                work.refuse(f"associations.{i}.id", message % facts, link.to_id, code="not_found")


def read_link(work: Work, i: int, raw: Any, allowed: dict[str, Any]) -> Link | None:
    path = f"associations.{i}"
    if not isinstance(raw, dict) or set(raw) - KEYS or not {"type", "id"} <= set(raw):
        work.refuse(path, _('An association looks like {"type": "company", "id": 1, "label": ""}.'), raw)
        return None
    slug, to_id, label = raw["type"], raw["id"], raw.get("label") or ""
    if slug not in allowed:
        message = _("“%(value)s” cannot be associated here. Use one of: %(known)s.")
        work.refuse(f"{path}.type", message % {"value": slug, "known": ", ".join(allowed)}, slug)
        return None
    if isinstance(to_id, bool) or not isinstance(to_id, int):
        work.refuse(f"{path}.id", _("“%(value)s” is not an id. Send a whole number.") % {"value": to_id}, to_id)
        return None
    if not isinstance(label, str) or len(label) > 60:
        work.refuse(f"{path}.label", _("A label is a text of 60 characters at most."), label)
        return None
    return Link(slug, to_id, label)


def link(object_type: ObjectType, works: list[Work]) -> set[int]:
    """Make the links that are missing; the ids of the records that got one."""
    wanted: dict[tuple[str, str], dict[tuple[int, int], None]] = defaultdict(dict)
    for work in works:
        for one in work.links:
            assert work.record is not None, "what is linked was written before"
            wanted[one.to_type, one.label][work.record.pk, one.to_id] = None
    touched: set[int] = set()
    for (slug, label), pairs in wanted.items():
        to_type = object_types[associations.associations_of(object_type)[slug].to.slug]
        held = associations.ids_of(object_type, [a for a, _b in pairs], to_type, label)
        missing = sorted((a, b) for a, b in pairs if b not in held.get(a, ()))
        if missing:
            try:
                # All of them, in the order they came in: of two that are to be primary the last one is.
                labelling.link(object_type, to_type, pairs, label)
            except ValueError as error:
                raise DocumentError([Problem("associations", str(error))]) from None
            touched |= {a for a, _b in missing}
    return touched
