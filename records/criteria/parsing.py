"""Reading a criteria document; every fault is found at once, with its path."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from records.criteria.leaves import leaf_kinds
from records.criteria.scope import DEPTH_LIMIT, Document, Scope, joined_path
from records.criteria.tree import JOINS, Criteria, Group, Node
from records.object_types import ObjectType
from records.problems import DocumentError


def parse(document: Any, object_type: ObjectType, *, path: str = "", stored: bool = False) -> Criteria:
    """Read criteria about records of an object type.

    `path` is the document's place in an enclosing one; problems are reported from there, filters keep their own
    (`any.0.all.1`). `stored` accepts options and users that have disappeared since the document was accepted; they
    match nothing. Raises DocumentError listing every problem.
    """
    shared = Document(object_type, stored)
    group = parse_group(document, Scope(shared, object_type), "")
    if shared.faults or group is None:
        raise DocumentError([problem.at(path) for problem in shared.faults])
    return Criteria(object_type, group, shared.lasting)


def parse_group(document: Any, scope: Scope, path: str, extra_keys: frozenset[str] = frozenset()) -> Group | None:
    """A group: one of all, any, none, not_all with a list of filters and groups; None when it is not one."""
    if not isinstance(document, dict):
        scope.fault(
            path, _("A group is a JSON object with “all” or “any”, not %(value)r.") % {"value": document}, document
        )
        return None
    if scope.depth >= DEPTH_LIMIT:
        message = _("Groups are nested %(limit)d deep at most. Use fewer levels.")
        scope.fault(path, message % {"limit": DEPTH_LIMIT}, code="too_deep")
        return None
    scope.unknown_keys(document, set(JOINS) | extra_keys, path)
    joins = [join for join in JOINS if join in document]
    if len(joins) != 1:
        message = _("A group has exactly one of “all”, “any”, “none” and “not_all”; this one has %(count)d.")
        scope.fault(path, message % {"count": len(joins)}, code="not_one_join")
        return None
    place = joined_path(path, joins[0])
    parts = document[joins[0]]
    if not isinstance(parts, list):
        scope.fault(place, _("The filters of a group are a list, not %(value)r.") % {"value": parts}, parts)
        return None
    if not parts:
        scope.fault(place, _("The group is empty. Add a filter to it, or remove it."), code="empty_group")
        return None
    children = [parse_node(part, scope, joined_path(place, i)) for i, part in enumerate(parts)]
    return Group(path, joins[0], tuple(child for child in children if child is not None))


def parse_node(document: Any, scope: Scope, path: str) -> Node | None:
    """A filter of any kind, or a group."""
    if isinstance(document, dict):
        for key, kind in leaf_kinds.items():
            if key in document:
                return kind.parse(document, scope, path)
        if not set(document) & set(JOINS):
            message = _("This is neither a group nor a filter. Start it with one of: %(known)s.")
            known = ", ".join([*leaf_kinds, *JOINS])
            scope.fault(path, message % {"known": known}, document, code="unknown_filter")
            return None
    return parse_group(document, scope.deeper(), path)
