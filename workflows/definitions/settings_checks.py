"""What is wrong with a workflow's settings, with paths into the document (SET-01)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.object_types import object_types
from records.problems import Problem, unknown_keys
from workflows.definitions import attachments, part_shapes
from workflows.definitions.definition import Definition
from workflows.definitions.numbers import metrics_problems
from workflows.engine import limits
from workflows.health import teams
from workflows.health.notifying import KINDS
from workflows.lifecycle.following import FOLLOW, PIN
from workflows.models import Workflow
from workflows.registries import attachments as registry
from workflows.times import windows
from workflows.times.wall_time import instant_of, workflow_zone, zone_named

KEYS = {
    "timezone", "windows", "pause_dates", "turn_off_at", "limit", "version_policy", "notify", "metrics",
    "enroll_merged",
}  # fmt: skip
WALL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


def settings_problems(definition: Definition) -> Iterator[Problem]:
    """Every problem of the settings; a key nobody knows is one, because ignoring it would be a broken promise."""
    settings = definition.settings
    yield from unknown_keys(settings, {*KEYS, *registry}, "settings")
    yield from (wrong := part_shapes.faults(settings, part_shapes.SETTINGS, "settings"))
    if wrong:
        return
    yield from attachments.problems(settings, definition.object)
    yield from windows.problems(definition)
    yield from limits.problems(settings.get("limit"))
    zone = settings.get("timezone")
    if zone and zone_named(str(zone)) is None:
        message = _("“%(value)s” is not a time zone. Use a name like Europe/Stockholm.") % {"value": zone}
        yield Problem("settings.timezone", message, zone)
    policy = settings.get("version_policy")
    if policy and policy not in (FOLLOW, PIN):
        message = _("“%(value)s” is no way to treat records inside. Use “follow” or “pin”.") % {"value": policy}
        yield Problem("settings.version_policy", message, policy)
    off = settings.get("turn_off_at")
    if off and wall_time(off) is None:
        message = _("“%(value)s” is not a date and time. Write it like 2027-12-31T18:00.") % {"value": off}
        yield Problem("settings.turn_off_at", message, off)
    for key in ("metrics", "enroll_merged"):
        value = settings.get(key)
        if value is not None and not isinstance(value, bool):
            message = _("%(value)r is neither true nor false. Send true or false.") % {"value": value}
            yield Problem(f"settings.{key}", message, value)
    if settings.get("enroll_merged") and not object_types[definition.object].mergeable:
        message = _("%(records)s cannot be merged. Take “enroll_merged” out.")
        yield Problem("settings.enroll_merged", message % {"records": object_types[definition.object].label_plural})
    yield from notify_problems(settings.get("notify"))


def notify_problems(value: Any) -> Iterator[Problem]:
    """Who is notified must exist, and what about must be known (SET-10)."""
    if value in (None, {}):
        return
    if not isinstance(value, dict):
        message = _("“notify” is a JSON object like {“users”: [“ann”], “about”: [“errors”]}, not %(value)r.")
        yield Problem("settings.notify", message % {"value": value}, value)
        return
    yield from unknown_keys(value, {"users", "teams", "about"}, "settings.notify")
    users, about, named = value.get("users") or [], value.get("about") or [], value.get("teams") or []
    for key, found in (("users", users), ("teams", named), ("about", about)):
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            message = _("“%(key)s” is a list of texts, not %(value)r.") % {"key": key, "value": found}
            yield Problem(f"settings.notify.{key}", message, found)
            return
    there = set(active_users().filter(username__in=users).values_list("username", flat=True)) if users else set()
    for i, name in enumerate(users):
        if name not in there:
            message = _("There is no active user “%(value)s” to notify. Choose somebody else.") % {"value": name}
            yield Problem(f"settings.notify.users.{i}", message, name)
    yield from team_problems(named)
    for i, kind in enumerate(about):
        if kind not in KINDS:
            message = _("“%(value)s” is nothing to be notified about. Use: %(known)s.")
            facts = {"value": kind, "known": ", ".join(KINDS)}
            yield Problem(f"settings.notify.about.{i}", message % facts, kind)
    if bool(users or named) != bool(about):
        message = _("Choose both who is notified and what about, or neither.")
        yield Problem("settings.notify", message, value)


def team_problems(named: list[str]) -> Iterator[Problem]:
    known = dict(teams.choices()) if named else {}
    for i, slug in enumerate(named):
        if slug not in known:
            message = _("There is no team “%(value)s” to notify. Choose another one.") % {"value": slug}
            yield Problem(f"settings.notify.teams.{i}", message, slug)


def active_users() -> Any:
    return get_user_model()._default_manager.filter(is_active=True)


def wall_time(value: Any) -> dt.datetime | None:
    """The date and time of a text like "2027-12-31T18:00", without zone; None for anything else."""
    if not isinstance(value, str) or not WALL_TIME.fullmatch(value):
        return None
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def turn_off_at(definition: Definition) -> dt.datetime | None:
    """The instant at which the clock turns the workflow off (SET-14); None for never."""
    local = wall_time(definition.settings.get("turn_off_at"))
    if local is None:
        return None
    return instant_of(local.date(), local.time(), workflow_zone(definition.settings))


def late_problems(definition: Definition, now: dt.datetime, workflow: Workflow) -> list[Problem]:
    """What only counts when it is published: times that have passed at `now`, and what other workflows do already."""
    found = list(metrics_problems(definition, workflow.pk))
    off = turn_off_at(definition)
    if off is not None and off <= now:
        zone = workflow_zone(definition.settings)
        facts = {"when": date_format(off.astimezone(zone), "DATETIME_FORMAT"), "zone": zone}
        message = _(
            "The workflow should be turned off on %(when)s (%(zone)s), which has passed. Choose a later time, or none."
        )
        found.append(Problem("settings.turn_off_at", message % facts, definition.settings["turn_off_at"]))
    return found
