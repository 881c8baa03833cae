"""Filters on forms: which ones a contact has filled in or not, on which page, when, how often (FLT-23, FLT-24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Form
from records.criteria.event_rows import EVENT_PREFIX, event_rows
from records.criteria.leaves import LeafKind, leaf_kinds
from records.criteria.leaves.event import EventFilter, parse_where
from records.criteria.parsing import parse_node
from records.criteria.refining import Refinement, read
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import ALL, Context, Group, Node
from records.event_types import event_types
from records.object_types import ObjectType

#: What stands for any form; no slug is like it.
ANY = "*"
EVENT = "form_submitted"
FILLED_IN, NOT_FILLED_IN = "has_filled_out", "has_not_filled_out"
OPERATORS = {FILLED_IN: gettext_lazy("has filled out"), NOT_FILLED_IN: gettext_lazy("has not filled out")}
KEYS = {"form", "operator", "where", "refine"}


class FormKind(LeafKind):
    """{form: slug or "*", operator, where: [… about the submission], refine: {…}}"""

    slug = "form"
    label = gettext_lazy("Form")
    category = gettext_lazy("Form submissions")
    permission = "crm.view_form"
    no_such = gettext_lazy("There is no form %(value)r. Use one of: %(known)s; or “*” for any.")
    rows = f"{EVENT_PREFIX}{EVENT}"
    refined = (FILLED_IN,)
    spec = ("FLT-23", "FLT-24", "FLT-25")

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        if object_type.slug != "contact":
            return []
        return [(ANY, _("Any form")), *Form.objects.values_list("slug", "name")]

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in OPERATORS.items()]

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.unknown_keys(document, KEYS, path)
        if scope.object_type.slug != "contact":
            message = _("Only contacts fill in forms. Put the filter inside one on associated contacts.")
            scope.fault(path, message, document)
            return None
        names = dict(Form.objects.values_list("slug", "name"))
        slug, operator = document["form"], self.operator_of(document, scope, path)
        known = isinstance(slug, str) and (slug == ANY or slug in names or scope.stored)
        if not known:
            self.refuse(slug, names, scope, path)
        refinement = self.refinement(document, scope, path)
        where = parse_where(document.get("where"), event_rows(event_types[EVENT]), scope, path)
        if not known or operator is None or refinement is None or where is None:
            return None
        return filter_of(document, names, where, refinement, scope, path)

    def refinement(self, document: dict[str, Any], scope: Scope, path: str) -> Refinement | None:
        """The one refinement; None after a fault."""
        refine, place = document.get("refine"), joined_path(path, "refine")
        if refine and document.get("operator") == NOT_FILLED_IN:
            message = _(
                "“Has not filled out” takes no refinement. Put “has filled out”, refined, into a “none” group."
            )
            scope.fault(place, message, refine, code="one_refinement")
            return None
        return read(refine, scope, place)


def filter_of(
    document: dict[str, Any], names: dict[str, str], where: Group, refinement: Refinement, scope: Scope, path: str
) -> Node | None:
    """The filter as one on the event, with the form among what the event has to have."""
    kind, slug = event_types[EVENT], document["form"]
    inside = Scope(scope.document, event_rows(kind), scope.depth + 1)
    # As a filter on the event's property it is counted, too: once for the whole.
    on_form = {"property": "form", "operator": "is_any_of", "value": [slug]}
    if slug == ANY:
        on_form = {"property": "form", "operator": "is_known"}
    first = parse_node(on_form, inside, joined_path(path, "form"))
    if first is None:
        return None
    every = Group(where.path, ALL, (first, *where.children))
    return FormFilter(
        path, scope.object_type, kind, document["operator"] == FILLED_IN, every, refinement, scope.hops,
        names.get(slug, "" if slug == ANY else slug), where,
    )  # fmt: skip


@dataclass(frozen=True)
class FormFilter(EventFilter):
    """Whether a form was filled in; `name` is "" for any, `told` what else is asked of the submission."""

    name: str
    told: Group

    def text(self, context: Context) -> str:
        form = _("the form “%(name)s”") % {"name": self.name} if self.name else _("any form")
        if self.told.children:
            form = _("%(form)s with (%(criteria)s)") % {"form": form, "criteria": self.told.text(context)}
        if not self.occurred:
            return _("has not filled out %(form)s") % {"form": form}
        return self.refinement.text(_("has filled out %(form)s") % {"form": form})


def register_form_filter() -> None:
    """Called once, when the apps are ready."""
    leaf_kinds.register(FormKind)
