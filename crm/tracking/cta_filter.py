"""Filters on calls to action, chosen by name: seen or not, clicked or not (FLT-35)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import CallToAction
from records.criteria.event_rows import event_rows
from records.criteria.leaves import LeafKind, leaf_kinds
from records.criteria.leaves.event import EventFilter, parse_where
from records.criteria.refining import Refinement, read
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import Context, Node
from records.event_types import event_types
from records.object_types import ObjectType
from records.properties import Text

#: What stands for any call to action; no slug is like it.
ANY = "*"
KEYS = {"call_to_action", "operator", "refine"}


@dataclass(frozen=True)
class Operator:
    """Which event is asked for, and whether it has occurred."""

    label: Text
    event: str
    occurred: bool
    sentence: Text


OPERATORS = {
    "was_seen": Operator(gettext_lazy("was seen"), "cta_viewed", True, gettext_lazy("has seen %(cta)s")),
    "was_not_seen": Operator(gettext_lazy("was not seen"), "cta_viewed", False, gettext_lazy("has not seen %(cta)s")),
    "was_clicked": Operator(gettext_lazy("was clicked"), "cta_clicked", True, gettext_lazy("has clicked %(cta)s")),
    "was_not_clicked": Operator(
        gettext_lazy("was not clicked"), "cta_clicked", False, gettext_lazy("has not clicked %(cta)s")
    ),
}


class CallToActionKind(LeafKind):
    """{call_to_action: slug or "*", operator, refine: {…}}"""

    slug = "call_to_action"
    label = gettext_lazy("Call to action")
    category = gettext_lazy("Call-to-action")
    permission = "crm.view_calltoaction"
    no_such = gettext_lazy("There is no call to action %(value)r. Use one of: %(known)s; or “*” for any.")
    refined = tuple(slug for slug, operator in OPERATORS.items() if operator.occurred)
    spec = ("FLT-35",)

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        if object_type.slug != "contact":
            return []
        names = list(CallToAction.objects.values_list("slug", "name"))
        return [(ANY, _("Any call to action")), *names] if names else []

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(operator.label)) for slug, operator in OPERATORS.items()]

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        scope.unknown_keys(document, KEYS, path)
        if scope.object_type.slug != "contact":
            message = _("Only contacts see calls to action. Put the filter inside one on associated contacts.")
            scope.fault(path, message, document)
            return None
        names = dict(CallToAction.objects.values_list("slug", "name"))
        slug = document["call_to_action"]
        known = isinstance(slug, str) and (slug == ANY or slug in names or scope.stored)
        if not known:
            self.refuse(slug, names, scope, path)
        operator = OPERATORS.get(self.operator_of(document, scope, path) or "")
        refinement = refinement_of(document, operator, scope, joined_path(path, "refine"))
        if not known or operator is None or refinement is None:
            return None
        kind = event_types[operator.event]
        on_one = [] if slug == ANY else [{"property": "call_to_action", "operator": "is_any_of", "value": [slug]}]
        where = parse_where(on_one, event_rows(kind), scope, path)
        name = "" if slug == ANY else names.get(slug, slug)
        return where and CallToActionFilter(
            path, scope.object_type, kind, operator.occurred, where, refinement, scope.hops, name, operator
        )


def refinement_of(document: dict[str, Any], operator: Operator | None, scope: Scope, place: str) -> Refinement | None:
    """The one refinement; None after a fault."""
    refine = document.get("refine")
    if refine and operator is not None and not operator.occurred:
        message = _("What was not seen or clicked takes no refinement. Put what was, refined, into a “none” group.")
        scope.fault(place, message, refine, code="one_refinement")
        return None
    return read(refine, scope, place)


@dataclass(frozen=True)
class CallToActionFilter(EventFilter):
    """Whether a call to action was seen or clicked; `name` is "" for any."""

    name: str
    operator: Operator

    def text(self, context: Context) -> str:
        call = _("the call to action “%(name)s”") % {"name": self.name} if self.name else _("any call to action")
        return self.refinement.text(str(self.operator.sentence) % {"cta": call})


def register_cta_filter() -> None:
    """Called once, when the apps are ready."""
    leaf_kinds.register(CallToActionKind)
