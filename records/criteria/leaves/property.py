"""Filters on a property of the record (FLT-01)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.leaves.base import LeafKind, leaf_kinds
from records.criteria.operators import Operator, PropertyFilter, operators, operators_for
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import Node
from records.properties import Property


@leaf_kinds.register
class PropertyKind(LeafKind):
    """{property, operator, value …, include_blank}"""

    slug = "property"
    label = gettext_lazy("Property")

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        prop = self.property_of(document, scope, path)
        operator = self.operator_for(document, prop, scope, path) if prop else None
        if prop is None or operator is None:
            return None
        known = {"property", "operator", *(operand.name for operand in operator.operands)}
        scope.unknown_keys(document, known | ({"include_blank"} if operator.takes_blanks else set()), path)
        values = self.values_of(document, prop, operator, scope, path)
        include_blank = self.blanks_of(document, operator, scope, path)
        if values is None:
            return None
        return PropertyFilter(path, scope.object_type, prop, operator, values, include_blank, scope.hops)

    def property_of(self, document: dict[str, Any], scope: Scope, path: str) -> Property | None:
        slug = document["property"]
        prop = scope.property(slug) if isinstance(slug, str) else None
        if prop is None:
            message = _("There is no property %(value)r on %(type)s. Use one of: %(known)s.")
            names = list(scope.known_properties())
            known = ", ".join(names[:30]) + (_(" …") if len(names) > 30 else "")
            values = {"value": slug, "type": scope.object_type.label_plural, "known": known}
            scope.fault(joined_path(path, "property"), message % values, slug, code="unknown_property")
        return prop

    def operator_for(self, document: dict[str, Any], prop: Property, scope: Scope, path: str) -> Operator | None:
        slug = document.get("operator")
        found = operators.get(f"{prop.kind.family}:{slug}")
        if isinstance(slug, str) and found is not None and found.suits(prop):
            return found
        known = operators_for(prop)
        message = _("%(property)s cannot be compared with the operator %(value)r. Use one of: %(known)s.")
        values = {"property": prop.label, "value": slug, "known": ", ".join(known)}
        scope.fault(joined_path(path, "operator"), message % values, slug, code="unknown_operator")
        return None

    def values_of(
        self, document: dict[str, Any], prop: Property, operator: Operator, scope: Scope, path: str
    ) -> dict[str, Any] | None:
        values: dict[str, Any] = {}
        faulty = False
        for operand in operator.operands:
            raw = document.get(operand.name)
            place = joined_path(path, operand.name)
            if raw is None and not operand.required:
                values[operand.name] = operand.default
                continue
            try:
                if raw is None:
                    message = _("The operator %(operator)s needs “%(key)s”. Add it.")
                    raise ValueError(message % {"operator": operator.slug, "key": operand.name})
                values[operand.name] = operand.clean(raw, prop, scope)
            except ValueError as error:
                scope.fault(place, str(error), raw)
                faulty = True
        if faulty:
            return None
        faults = operator.faults(values)
        for key, sentence in faults.items():
            scope.fault(joined_path(path, key), sentence, document.get(key))
        return None if faults else values

    def blanks_of(self, document: dict[str, Any], operator: Operator, scope: Scope, path: str) -> bool:
        """Whether records without a value pass (OPR-08): as asked, else for negatives by the type's rule."""
        asked = document.get("include_blank") if operator.takes_blanks else None
        if asked is None:
            return operator.negative and scope.document.root.blanks_match_negatives
        if not isinstance(asked, bool):
            message = _("%(value)r is neither true nor false. Send true or false.") % {"value": asked}
            scope.fault(joined_path(path, "include_blank"), message, asked)
        return asked is True
