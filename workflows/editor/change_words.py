"""What has changed inside a step, the trigger and the settings, as sentences: how it was, and how it will be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records import criteria
from records.clock import ANY_INSTANT
from records.models import RecordList
from records.object_types import object_types
from records.problems import DocumentError
from workflows.data_sources import declared
from workflows.data_sources.known import known_sources
from workflows.data_sources.words import described, picked
from workflows.definitions.centres import Centre
from workflows.definitions.connecting import listed, timing
from workflows.definitions.definition import Definition
from workflows.editor.suppression_form import suppressed
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext

#: A year that has every day there may be in one.
LEAP_YEAR = 2000


@dataclass(frozen=True)
class Change:
    """Sentences that were true and are not any more, and those that will be."""

    was: tuple[str, ...] = ()
    will_be: tuple[str, ...] = ()


NOTHING = Change()


def changed(before: Iterator[str], after: Iterator[str]) -> Change:
    old, new = list(dict.fromkeys(before)), list(dict.fromkeys(after))
    return Change(tuple(one for one in old if one not in new), tuple(one for one in new if one not in old))


def of_step(live: Definition, draft: Definition, step_id: str) -> Change:
    return changed(step_words(live, step_id), step_words(draft, step_id))


def of_trigger(live: Definition, draft: Definition) -> Change:
    return changed(trigger_words(live), trigger_words(draft))


def of_settings(live: Definition, draft: Definition) -> Change:
    return changed(settings_words(live), settings_words(draft))


def step_words(definition: Definition, step_id: str) -> Iterator[str]:
    """Everything a step is set to, a sentence each."""
    step = definition.by_id[step_id]
    action, context = actions[step.action], StepContext(definition, step)
    yield str(action.describe(step.params, context))
    for index, branch in enumerate(step.branches):
        facts = {"branch": branch.name, "records": action.describe_branch(index, context)}
        yield _("Branch “%(branch)s”: %(records)s") % facts
    if step.retries:
        tries = ngettext("A failure is tried again %(count)d time.", "A failure is tried again %(count)d times.",
                         step.retries)  # fmt: skip
        yield tries % {"count": step.retries}
    if step.stops:
        yield _("A record for which it fails stops here.")
    if step.comment:
        yield _("Note: %(text)s") % {"text": step.comment}


def trigger_words(definition: Definition) -> Iterator[str]:
    """Who is enrolled, again, and who leaves, a sentence each."""
    trigger, document = definition.trigger, definition.document
    if trigger.kind in triggers:
        yield str(triggers[trigger.kind].describe(trigger.document, definition.object))
    yield (
        _("Records may be enrolled again.") if trigger.document.get("reenroll") else _("Each record is enrolled once.")
    )
    unenroll = document.get("unenroll")
    unenroll = unenroll if isinstance(unenroll, dict) else {}
    for sentence, found in (
        (_("Goal: %(criteria)s"), document.get("goal")),
        (_("Unenrolled: %(criteria)s"), unenroll.get("criteria")),
    ):
        if text := told(found, definition):
            yield sentence % {"criteria": text}
    if unenroll.get("when_no_longer_matching"):
        yield _("Who no longer meets the trigger leaves.")
    if lists := list_names(suppressed(definition)):
        yield _("Kept out are members of %(lists)s.") % {"lists": get_text_list(lists, _("and"))}
    if definition.centre is not None:
        yield centred(definition.centre, definition)


def told(document: Any, definition: Definition) -> str:
    """Criteria as a sentence; "" for none."""
    if not document:
        return ""
    try:
        return criteria.compile(document, object_types[definition.object], now=ANY_INSTANT, stored=True).text
    except DocumentError:
        return _("filters that cannot be read; look at them in the editor")


def list_names(slugs: list[str]) -> list[str]:
    """What lists are called, in the order they are named; one that is gone by its internal name."""
    names = dict(RecordList.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}
    return [f"“{names.get(slug, slug)}”" for slug in slugs]


def centred(centre: Centre, definition: Definition) -> str:
    """The day the steps are timed by."""
    if centre.property:
        prop = object_types[definition.object].properties().get(centre.property)
        day = str(prop.label) if prop else centre.property
    else:
        day = date_format(centre.date, "DATE_FORMAT") if centre.date else _("no date yet")
    yearly, once = _("Centred on: %(centre)s, every year"), _("Centred on: %(centre)s")
    return (yearly if centre.yearly else once) % {"centre": day}


def settings_words(definition: Definition) -> Iterator[str]:
    yield from timing(definition)
    for day in listed(definition.settings.get("pause_dates")):
        yield _("Pause: %(day)s") % {"day": paused(day)}
    yield from sources_words(definition)
    if definition.settings.get("version_policy") == "pin":
        yield _("Records inside finish the version they are on.")
    if definition.settings.get("metrics"):
        yield _("Metrics are tracked.")


def paused(entry: Any) -> str:
    """A pause date of the settings: a day, or several in a row, every year or once; any text for what is none."""
    found = entry if isinstance(entry, dict) else {"from": entry}
    days = [day_of(found[key]) for key in ("from", "to") if found.get(key)]
    return " – ".join(days)


def day_of(text: Any) -> str:
    """A day as documents have it, in words: 2026-12-24, or 12-24 of every year; any other text as it is."""
    yearly = len(str(text)) == len("12-24")
    try:
        day = dt.date.fromisoformat(f"{LEAP_YEAR}-{text}" if yearly else str(text))
    except ValueError:
        return str(text)
    return date_format(day, "MONTH_DAY_FORMAT" if yearly else "DATE_FORMAT")


def sources_words(definition: Definition) -> Iterator[str]:
    """The records people have added beside the enrolled one, and which of several each is."""
    known = known_sources(StepContext(definition))
    for source in declared.added(definition).values():
        facts = {"name": source.name or source.id}
        if source.id in known:
            facts |= {"records": described(known[source.id]), "which": picked(known[source.id])}
            yield _("Data source “%(name)s”: %(records)s (%(which)s)") % facts
        else:
            yield _("Data source “%(name)s”") % facts
