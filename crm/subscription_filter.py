"""Filters on what contacts subscribe to (FLT-28, FLT-29)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Subscription
from crm.subscribing import types
from crm.subscription_journal import property_slug
from records.criteria.dependencies import Dependency
from records.criteria.leaves.base import OneOfKind, leaf_kinds
from records.criteria.scope import Scope
from records.criteria.tree import Context, Node
from records.object_types import ObjectType

Status = Subscription.Status
#: Operators by slug, with the status each asks for.
OPERATORS = {
    "is_subscribed": Status.SUBSCRIBED,
    "is_unsubscribed": Status.UNSUBSCRIBED,
    "is_not_specified": Status.NOT_SPECIFIED,
}
LABELS = {
    "is_subscribed": gettext_lazy("is subscribed to"),
    "is_unsubscribed": gettext_lazy("is unsubscribed from"),
    "is_not_specified": gettext_lazy("has not specified"),
}


class SubscriptionKind(OneOfKind):
    """{subscription: type, operator}"""

    slug = "subscription"
    label = gettext_lazy("Subscription")
    category = gettext_lazy("Subscriptions")
    permission = "crm.view_subscriptiontype"
    no_such = gettext_lazy("There is no subscription type %(value)r. Use one of: %(known)s.")

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        if object_type.slug != "contact":
            return []
        return [(option.value, str(option.label)) for option in types()]

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in LABELS.items()]

    def chosen(self, value: Any, scope: Scope, path: str) -> tuple[str, str] | None:
        """The type's internal name and name."""
        if scope.object_type.slug != "contact":
            message = _("Only contacts have subscriptions. Put the filter inside one on associated contacts.")
            scope.fault(path, message, value)
            return None
        names = {option.value: str(option.label) for option in types()}
        if isinstance(value, str) and (value in names or scope.stored):
            return value, names.get(value, value)
        self.refuse(value, names, scope, path)
        return None

    def filter(self, chosen: tuple[str, str], operator: str, scope: Scope, path: str) -> Node:
        return SubscriptionFilter(path, *chosen, operator, scope.hops)


@dataclass(frozen=True)
class SubscriptionFilter(Node):
    """Whether a contact has a status for one subscription type; without any row it is not specified."""

    path: str
    type: str
    name: str
    operator: str
    hops: tuple[str, ...]

    def q(self, context: Context) -> Q:
        rows = Subscription.objects.filter(contact=OuterRef("pk"), type__slug=self.type)
        status = OPERATORS[self.operator]
        if status == Status.NOT_SPECIFIED:
            return ~Q(Exists(rows.exclude(status=status)))
        return Q(Exists(rows.filter(status=status)))

    def text(self, context: Context) -> str:
        sentences = {
            "is_subscribed": _("is subscribed to “%(type)s”"),
            "is_unsubscribed": _("is unsubscribed from “%(type)s”"),
            "is_not_specified": _("has not specified whether to get “%(type)s”"),
        }
        return sentences[self.operator] % {"type": self.name}

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency("contact", property_slug(self.type), self.hops)


def register_filter() -> None:
    """Called once, when the apps are ready."""
    leaf_kinds.register(SubscriptionKind)
