"""Manual: records are enrolled by hand, by the API or by another workflow only (TRG-05)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from workflows.registries import triggers
from workflows.triggers.base import Trigger


@triggers.register
class Manual(Trigger):
    slug = "manual"
    label = gettext_lazy("Only by hand")
    description = gettext_lazy("Only records that somebody, the API or another workflow enrolls.")
    icon = "hand"

    def faults(self, document: dict[str, Any]) -> list[Problem]:
        found = [
            Problem(key, _("A manual trigger has no “%(key)s”. Remove it.") % {"key": key})
            for key in document
            if key not in ("kind", "reenroll")
        ]
        again = document.get("reenroll", False)
        if not isinstance(again, bool):
            message = _("%(value)r is neither true nor false. Send true or false.")
            found.append(Problem("reenroll", message % {"value": again}, again))
        return found

    def describe(self, document: dict[str, Any], object_type: str) -> str:
        if not document:
            return _("No trigger yet: only records that somebody enrolls by hand. Choose one, or leave it at that")
        return _("When somebody enrolls a record by hand")
