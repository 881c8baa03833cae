"""Records as the API shows them, a page in a constant number of queries; and rows as clients send them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from records.api.record_shapes import OUTSIDE
from records.api.serializing import shown
from records.associations import associations_of, ids_of
from records.models import Association
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem, unknown_keys
from records.properties import Property
from records.saving import Row
from records.seeing import may_see

LINK_LIMIT = 1_000
LARGEST_ID = 2**63


def render(object_type: ObjectType, records: Sequence[Any], properties: Iterable[Property], user: Any) -> list[Any]:
    """Records as documents: users by username, associations with records that exist and the user may see."""
    shown_properties = [prop for prop in properties if prop.slug not in OUTSIDE]
    names = usernames(records, [prop for prop in shown_properties if prop.type == "user"])
    links = links_of(object_type, [record.pk for record in records], user)
    return [document(record, shown_properties, names, links.get(record.pk, [])) for record in records]


def document(record: Any, properties: list[Property], names: dict[int, str], links: list[Any]) -> dict[str, Any]:
    values = {}
    for prop in properties:
        value = prop.read(record)
        values[prop.slug] = names.get(value) if prop.type == "user" else prop.as_json(value)
    times = {name: getattr(record, name) for name in OUTSIDE[1:] if hasattr(record, name)}
    return {"id": record.pk, "properties": values, "associations": links, **times}


def usernames(records: Sequence[Any], properties: list[Property]) -> dict[int, str]:
    ids = {value for prop in properties for record in records if (value := prop.read(record)) is not None}
    return dict(get_user_model()._default_manager.filter(pk__in=ids).values_list("pk", "username")) if ids else {}


def links_of(object_type: ObjectType, ids: list[int], user: Any) -> dict[int, list[dict[str, Any]]]:
    """The associations of each record, at most 1,000 each, in the order they were made."""
    found: dict[int, list[dict[str, Any]]] = {}
    rows = (
        Association.objects.filter(from_type=object_type.slug, from_id__in=ids)
        .annotate(place=Window(RowNumber(), partition_by=F("from_id"), order_by="id"))
        .filter(place__lte=LINK_LIMIT)
        .order_by("id")
        .values_list("from_id", "to_type", "to_id", "label")
    )
    links = list(rows) if ids else []
    links += native_links(object_type, ids)
    live = living({(to_type, to_id) for _from, to_type, to_id, _label in links}, user)
    for from_id, to_type, to_id, label in links:
        if (to_type, to_id) in live:
            found.setdefault(from_id, []).append({"type": to_type, "id": to_id, "label": label})
    return found


def native_links(object_type: ObjectType, ids: list[int]) -> list[tuple[int, str, int, str]]:
    """The links an object type declares as foreign keys or many-to-many of its model."""
    native = [one for one in associations_of(object_type).values() if one.relation is not None] if ids else []
    return [
        (from_id, one.to.slug, to_id, one.slug)
        for one in native
        for from_id, to_ids in ids_of(object_type, ids, one.to, one.slug).items()
        for to_id in to_ids[:LINK_LIMIT]
    ]


def living(places: set[tuple[str, int]], user: Any) -> set[tuple[str, int]]:
    """Those of the (type, id) that exist, of types the user may see."""
    found = set()
    for slug in sorted({to_type for to_type, _id in places} & object_types.keys()):
        if may_see(user, object_types[slug]):
            wanted = [to_id for to_type, to_id in places if to_type == slug]
            alive = object_types[slug].records().filter(pk__in=wanted).values_list("pk", flat=True)
            found |= {(slug, pk) for pk in alive}
    return found


def read_row(document: Any, path: str = "", *, with_id: bool = False, record_id: int | None = None) -> Row:
    """A row as it was sent. Raises DocumentError for what has not the shape of one; values are checked when saved."""
    if not isinstance(document, dict):
        message = _("A record is a JSON object with “properties”, not %(value)s.") % {"value": shown(document)}
        raise DocumentError([Problem(path, message)])
    known = ["id", "properties", "associations"] if with_id else ["properties", "associations"]
    faults = unknown_keys(document, known)
    properties = document.get("properties", {})
    if not isinstance(properties, dict):
        message = _("Properties are a JSON object by internal name, not %(value)s.") % {"value": shown(properties)}
        faults.append(Problem("properties", message))
    if with_id and "id" in document:
        record_id = document["id"]
        faults += id_faults(record_id, "id")
    faults += link_faults(document.get("associations", []))
    if faults:
        raise DocumentError([fault.at(path) for fault in faults])
    return Row(properties=properties, id=record_id, associations=document.get("associations", []))


def id_faults(value: Any, path: str) -> list[Problem]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST_ID:
        return []
    return [Problem(path, _("%(value)s is not an id. Send a positive whole number.") % {"value": shown(value)}, value)]


def link_faults(links: Any) -> list[Problem]:
    if not isinstance(links, list):
        message = _("Associations are a list of {“type”, “id”, “label”}, not %(value)s.") % {"value": shown(links)}
        return [Problem("associations", message)]
    faults: list[Problem] = []
    for index, link in enumerate(links):
        faults += [fault.at(f"associations.{index}") for fault in faults_of_link(link)]
    return faults


def faults_of_link(link: Any) -> list[Problem]:
    if not isinstance(link, dict):
        message = _("An association is a JSON object with “type” and “id”, not %(value)s.")
        return [Problem("", message % {"value": shown(link)})]
    faults = unknown_keys(link, ["type", "id", "label"]) + id_faults(link.get("id"), "id")
    if link.get("type") not in list(object_types):
        message = _("There is no object type %(value)s. Use one of: %(known)s.")
        faults.append(Problem("type", message % {"value": shown(link.get("type")), "known": ", ".join(object_types)}))
    if not isinstance(link.get("label", ""), str):
        message = _("A label is text, not %(value)s. Leave it out for a plain link.")
        faults.append(Problem("label", message % {"value": shown(link["label"])}))
    return faults
