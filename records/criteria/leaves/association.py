"""Filters on associated records: one associated record must pass everything inside (FLT-02, FLT-03, FLT-04)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import associations
from records.criteria.dependencies import ASSOCIATION, Crossing, Dependency
from records.criteria.extracting import condition_of
from records.criteria.leaves.base import LeafKind, leaf_kinds
from records.criteria.operands import alternatives
from records.criteria.scope import HOP_LIMIT, Scope, joined_path
from records.criteria.tree import Context, Group, Leaf, Node
from records.object_types import ObjectType


@leaf_kinds.register
class AssociationKind(LeafKind):
    """{association, label, all|any|none|not_all: […]}"""

    slug = "association"
    label = gettext_lazy("Associated records")

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        from records.criteria.parsing import parse_group

        slug = document["association"]
        known = associations.associations_of(scope.object_type)
        if not isinstance(slug, str) or slug not in known:
            message = _("%(type)s have no association %(value)r. Use one of: %(known)s.")
            values = {"type": scope.object_type.label_plural, "value": slug, "known": ", ".join(known) or _("none")}
            scope.fault(joined_path(path, "association"), message % values, slug, code="unknown_association")
            return None
        if len(scope.hops) >= HOP_LIMIT:
            message = _("Associations are followed %(limit)d steps at most. Use fewer levels.")
            scope.fault(path, message % {"limit": HOP_LIMIT}, slug, code="too_deep")
            return None
        labels = self.labels_of(document, scope, path)
        inside = scope.through(slug, known[slug].to)
        group = parse_group(document, inside, path, frozenset({"association", "label"}))
        if group is None or labels is None:
            return None
        return AssociationFilter(path, scope.object_type, slug, known[slug].to, labels, group, scope.hops)

    def labels_of(self, document: dict[str, Any], scope: Scope, path: str) -> tuple[str, ...] | None:
        """The labels asked for; () for any association."""
        raw = document.get("label")
        labels = [] if raw in (None, "") else raw if isinstance(raw, list) else [raw]
        if all(isinstance(label, str) and label.strip() and "\x00" not in label for label in labels):
            return tuple(labels)
        message = _("%(value)r is not a label. Send a label, or a list of labels.")
        scope.fault(joined_path(path, "label"), message % {"value": raw}, raw)
        return None


@dataclass(frozen=True)
class AssociationFilter(Node):
    """At least one live associated record, by one of the labels if any are given, passes the group."""

    path: str
    object_type: ObjectType
    association: str
    to: ObjectType
    labels: tuple[str, ...]
    group: Group
    hops: tuple[str, ...]

    def holds(self, inner: Q) -> Q:
        """That one associated record satisfies a condition."""
        found = Q()
        for label in self.labels or (None,):
            found |= Q(associations.exists(self.object_type, self.association, inner, label))
        return found

    def q(self, context: Context) -> Q:
        return self.holds(condition_of(self.group, context))

    def text(self, context: Context) -> str:
        values = {
            "type": self.to.label,
            "criteria": self.group.text(context),
            "labels": alternatives(list(self.labels or ("",))),
        }
        if self.labels:
            return _("has an associated %(type)s labelled %(labels)s with (%(criteria)s)") % values
        return _("has an associated %(type)s with (%(criteria)s)") % values

    def leaves(self, context: Context) -> Iterator[Leaf]:
        """The filter itself, then each one inside it: whether any associated record meets that one alone."""
        yield Leaf(self.path, self.text(context), self.q(context))
        for leaf in self.group.leaves(dataclasses.replace(context, extracted={})):
            sentence = _("%(type)s: %(sentence)s") % {"type": self.to.label, "sentence": leaf.sentence}
            yield dataclasses.replace(leaf, sentence=sentence, q=self.holds(leaf.q), property=None, occurred=None)

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency(self.object_type.slug, ASSOCIATION, self.hops)
        yield from self.group.dependencies()

    @property
    def time_sensitive(self) -> bool:
        return self.group.time_sensitive

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        return self.group.crossed(before, after)
