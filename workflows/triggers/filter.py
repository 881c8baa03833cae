"""When filter criteria are met: records that begin to match are enrolled (TRG-02, TRG-20)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.clock import ANY_INSTANT
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows.enrollment import reenrolling
from workflows.registries import triggers
from workflows.triggers.base import Trigger


@triggers.register
class Filter(Trigger):
    """{kind: filter, criteria: {…}, reenroll: [paths of filters]}"""

    slug = "filter"
    label = gettext_lazy("When filter criteria are met")
    description = gettext_lazy("Records that match, from the moment they begin to.")
    icon = "filter"
    keys = ("kind", "criteria", "reenroll")

    def faults(self, document: dict[str, Any]) -> list[Problem]:
        found = [
            Problem(
                key,
                _("“%(key)s” is not known in a filter trigger. Use: %(known)s.")
                % {"key": key, "known": ", ".join(self.keys)},
                code="unknown_field",
            )
            for key in document
            if key not in self.keys
        ]
        paths = document.get("reenroll") or []
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            message = _('%(value)r is not a list of filters. Send their paths, like ["any.0.all.0"].')
            found.append(Problem("reenroll", message % {"value": paths}, paths))
        return found

    def problems(self, document: dict[str, Any], object_type: str) -> list[Problem]:
        if not document.get("criteria"):
            message = _("The trigger has no filters. Add at least one, or choose to enroll records by hand.")
            return [Problem("criteria", message, code="missing")]
        try:
            criteria.parse(document["criteria"], object_types[object_type], path="criteria")
        except DocumentError as error:
            return error.problems
        known = criteria.compile(document["criteria"], object_types[object_type], now=ANY_INSTANT).leaves
        places = {leaf.path for leaf in known}
        message = _("There is no filter at “%(path)s”, so it cannot re-enroll. Remove it from the list.")
        found = []
        for i, path in enumerate(document.get("reenroll") or []):
            place = reenrolling.place_of(document["criteria"], path, object_types[object_type])
            if path not in places or place is None:
                found.append(Problem(f"reenroll.{i}", message % {"path": path}, path, code="unknown_filter"))
            elif why := reenrolling.excluded(place):
                remedy = _("%(why)s Remove “%(path)s” from the list.") % {"why": why, "path": path}
                found.append(Problem(f"reenroll.{i}", remedy, path, code="cannot_reenroll"))
        return found

    def describe(self, document: dict[str, Any], object_type: str) -> str:
        kind = object_types[object_type]
        if not document.get("criteria"):
            return _("Choose which %(records)s to enroll") % {"records": kind.label_plural}
        try:
            sentence = criteria.compile(document["criteria"], kind, now=ANY_INSTANT, stored=True).text
        except DocumentError:
            return _("The filters are not finished")
        return _("When %(criteria)s") % {"criteria": sentence}
