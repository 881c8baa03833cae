"""On a schedule: at each of its times every record that meets the criteria then is enrolled (spec section 7)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.clock import ANY_INSTANT
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from workflows.registries import triggers
from workflows.schedules import rules, words
from workflows.triggers.base import Trigger

#: Criteria that every record meets: must be written, so that nobody enrolls everyone by leaving filters out.
ALL_RECORDS: dict[str, Any] = {"all": []}


@triggers.register
class Schedule(Trigger):
    """{kind: schedule, schedule: {every: month, days: [31], at: "08:00", …}, criteria: {…}}"""

    slug = "schedule"
    label = gettext_lazy("On a schedule")
    description = gettext_lazy("All records that match when the time has come, again and again.")
    icon = "calendar-clock"
    keys = ("kind", "schedule", "criteria")

    def faults(self, document: dict[str, Any]) -> list[Problem]:
        found = []
        for key in document:
            if key == "reenroll":
                message = _(
                    "A schedule enrolls whoever matches each time, so it has no re-enrollment. Remove “reenroll”."
                )
                found.append(Problem(key, message, document[key], code="unknown_field"))
            elif key not in self.keys:
                facts = {"key": key, "known": ", ".join(self.keys)}
                message = _("“%(key)s” is not known in a schedule trigger. Use: %(known)s.")
                found.append(Problem(key, message % facts, code="unknown_field"))
        if not isinstance(document.get("schedule", {}), dict):
            message = _("A schedule is a JSON object like {“every”: “day”, “at”: “09:00”}, not %(value)r.")
            found.append(Problem("schedule", message % {"value": document["schedule"]}, document["schedule"]))
        return found

    def problems(self, document: dict[str, Any], object_type: str) -> list[Problem]:
        kind = object_types[object_type]
        _rule, found = rules.read(document.get("schedule") or {}, kind.properties())
        return [*(problem.at("schedule") for problem in found), *criteria_problems(document.get("criteria"), kind)]

    def describe(self, document: dict[str, Any], object_type: str) -> str:
        kind = object_types[object_type]
        when = when_sentence(document.get("schedule"), kind)
        if not when:
            return _("Choose when to enroll %(records)s") % {"records": kind.label_plural}
        if document.get("criteria") == ALL_RECORDS:
            return _("%(when)s: all %(records)s") % {"when": when, "records": kind.label_plural}
        if not document.get("criteria"):
            return _("%(when)s: choose which %(records)s") % {"when": when, "records": kind.label_plural}
        try:
            text = criteria.compile(document["criteria"], kind, now=ANY_INSTANT, stored=True).text
        except DocumentError:
            return _("The filters are not finished")
        return _("%(when)s: %(records)s of which %(criteria)s") % {
            "when": when, "records": kind.label_plural, "criteria": text,
        }  # fmt: skip


def when_sentence(schedule: Any, kind: ObjectType) -> str:
    """When a schedule fires, in words; "" while it is not finished."""
    rule, _problems = rules.read(schedule or {}, properties := kind.properties())
    if rule is None:
        return ""
    label = str(properties[rule.property].label) if rule.property else str(schedule.get("cron", ""))
    return words.sentence(rule, label)


def criteria_problems(document: Any, kind: ObjectType) -> list[Problem]:
    """A schedule without criteria would enroll everyone each time: that must be said (spec section 32)."""
    if document == ALL_RECORDS:
        return []
    if not document:
        message = _(
            "The schedule has no filters. Add at least one, or say that all %(records)s are enrolled each time (as "
            "JSON: {“all”: []})."
        )
        return [Problem("criteria", message % {"records": kind.label_plural}, code="missing")]
    try:
        criteria.parse(document, kind, path="criteria")
    except DocumentError as error:
        return error.problems
    return []
