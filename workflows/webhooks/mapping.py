"""Mapping: which values of a payload are properties of the event, what they are called, and of which type they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.defining import slug_for
from records.problems import DocumentError, Problem
from records.properties import Property
from workflows.models import Webhook, WebhookProperty
from workflows.models.webhook import PATH_LENGTH, TYPES
from workflows.webhooks.flattening import NOTHING, leaves, names_of, value_at
from workflows.webhooks.keeping import is_used

#: An epoch in seconds beyond this is one in milliseconds.
LATEST_SECONDS = 100_000_000_000


def listen(webhook: Webhook) -> None:
    """Have the next request kept as the test payload; it is dealt with as any other, too."""
    Webhook.objects.filter(pk=webhook.pk).update(listening=True)
    webhook.listening = True


def capture(webhook: Webhook, payload: Any, now: dt.datetime) -> bool:
    """Keep a request as the test payload, if the webhook listens for one; its new values become properties.

    Labels, types and removals of properties that are known by their path stay as they are.
    """
    with transaction.atomic():
        found = Webhook.objects.filter(pk=webhook.pk, listening=True)
        if not found.update(listening=False, sample=payload, sampled_at=now):
            return False
        known = set(webhook.properties.values_list("path", flat=True))
        taken = set(webhook.properties.values_list("slug", flat=True))
        made = []
        for path, value in leaves(payload):
            if path in known or len(path) > PATH_LENGTH:
                continue
            slug = free_slug(path, taken)
            taken.add(slug)
            made.append(
                WebhookProperty(webhook=webhook, path=path, slug=slug, label=label_for(path), type=guess(value))
            )
        WebhookProperty.objects.bulk_create(made)
    return True


def free_slug(path: str, taken: set[str]) -> str:
    wanted = slug_for(" ".join(names_of(path)).replace(".", " "))[:58].rstrip("_")
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def label_for(path: str) -> str:
    """A path as people read it: "items.0.unit_price" is “Items 1 unit price”."""
    names = [str(int(name[:6]) + 1) if name.isascii() and name.isdigit() else name for name in names_of(path)]
    words = " ".join(" ".join(names).replace("_", " ").replace("-", " ").split())
    return capfirst(words)[:120] or path[:120] or _("Without a name")


def guess(value: Any) -> str:
    """The type a value of the test payload looks like."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if not isinstance(value, str) or len(value.strip()) < len("2026-11-22"):
        return "text"
    type = "date" if len(value.strip()) == len("2026-11-22") else "datetime"
    try:
        read(value, type)
    except ValueError:
        return "text"
    return type


def read(value: Any, type: str) -> Any:
    """A payload's value as a value of a property type, as Python; None when blank. Raises ValueError."""
    if value is NOTHING:
        return None
    if isinstance(value, dict | list):
        raise ValueError(_("There are several values where one was expected."))
    if type == "text" and isinstance(value, bool):
        value = "true" if value else "false"
    if type in ("date", "datetime") and isinstance(value, int | float) and not isinstance(value, bool):
        value = from_epoch(value)
    if type == "date" and isinstance(value, str) and len(value.strip()) > 10:
        value = Property("value", "", "datetime").clean(value)
    return Property("value", "", type).clean(value)


def from_epoch(value: float) -> dt.datetime:
    """Seconds or milliseconds since 1970 as an instant. Raises ValueError for what no calendar has."""
    seconds = value / 1000 if abs(value) >= LATEST_SECONDS else value
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError(_("“%(value)s” is not an instant.") % {"value": value}) from None


@dataclass(frozen=True)
class Mapped:
    """A property as the page shows it: with the value of the test payload, and why that does not fit."""

    property: WebhookProperty
    value: str
    fault: str


def shown(webhook: Webhook, sample: Any) -> list[Mapped]:
    """The webhook's properties with what a payload has there, those that were removed last; None for no payload."""
    found = []
    for one in sorted(webhook.properties.all(), key=lambda one: one.removed):
        value, fault = value_at(sample, one.path), ""
        try:
            read(value, one.type)
        except ValueError as error:
            fault = str(error)
        found.append(Mapped(one, "" if value is NOTHING or value is None else str(value)[:200], fault))
    return found


def change(webhook: Webhook, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Change properties by their path: “label”, “type”, “removed”. All or, with DocumentError, none.

    While the webhook is used, neither a type changes nor is a property removed: filters and texts speak of them.
    """
    used = is_used(webhook)
    with transaction.atomic():
        known = {one.path: one for one in webhook.properties.select_for_update()}
        faults = [
            fault
            for path, facts in changes.items()
            for fault in faults_of(webhook, known.get(path), path, facts, used)
        ]
        if faults:
            raise DocumentError(faults)
        for path, facts in changes.items():
            one = known[path]
            one.label = str(facts.get("label", one.label)).strip()
            one.type, one.removed = facts.get("type", one.type), facts.get("removed", one.removed)
        WebhookProperty.objects.bulk_update(known.values(), ["label", "type", "removed"])


def faults_of(
    webhook: Webhook, one: WebhookProperty | None, path: str, facts: Mapping[str, Any], used: bool
) -> list[Problem]:
    """What is wrong with a change of one property."""
    place = f"properties.{path}"
    if one is None:
        message = _("The webhook has no value at “%(path)s”. Use the path of one of its properties.")
        return [Problem(place, message % {"path": path}, path)]
    found = []
    label, type, removed = (
        facts.get("label", one.label),
        facts.get("type", one.type),
        facts.get("removed", one.removed),
    )
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= 120:
        found.append(
            Problem(f"{place}.label", _("A property has a label of 1 to 120 characters. Give it one."), label)
        )
    if type not in TYPES:
        message = _("%(value)r is not a type a payload’s values can have. Use one of: %(known)s.")
        found.append(Problem(f"{place}.type", message % {"value": type, "known": ", ".join(TYPES)}, type))
    if removed not in (True, False):
        message = _("%(value)r is neither true nor false. Send true or false.")
        found.append(Problem(f"{place}.removed", message % {"value": removed}, removed))
    if used and (type, removed) != (one.type, one.removed) and not (one.removed and not removed):
        message = _(
            "“%(label)s” keeps its type and stays while workflows or lists use the webhook. Remove it there first."
        )
        found.append(Problem(place, message % {"label": one.label}, code="in_use"))
    if removed and webhook.match_path == path:
        message = _("“%(label)s” names the record. Match by another property before you remove it.")
        found.append(Problem(f"{place}.removed", message % {"label": one.label}, True, code="in_use"))
    return found
