"""What a workflow is connected to, and when it acts: reviewed before it is published (SET-12, REV-10, REV-11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, QuerySet, Value
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.definitions.cycles import ENROLLING
from workflows.definitions.definition import Definition
from workflows.definitions.settings_checks import wall_time
from workflows.health import teams
from workflows.health.notifying import KINDS
from workflows.models import Workflow
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import WEEKDAYS, workflow_zone

#: Actions whose slug begins like this reach somebody outside of the records.
SENDING = "send_"


@dataclass(frozen=True)
class Connection:
    """Something a workflow is connected to, in a sentence; `step` is the step that is, "" for none."""

    sentence: str
    step: str = ""


def connections(workflow: Workflow, definition: Definition) -> list[Connection]:
    """Other workflows it enrolls records in and gets records from, and whom its steps reach."""
    context = StepContext(definition)
    found = [
        Connection(
            _("Step %(number)d: %(sentence)s")
            % {
                "number": definition.number_of(step.id),
                "sentence": actions[step.action].describe(step.params, context.at(step)),
            },
            step.id,
        )
        for step in definition.walk()
        if step.action in ENROLLING or step.action.startswith(SENDING)
    ]
    for other in enrolling_in(workflow):
        found.append(Connection(_("The workflow “%(name)s” enrolls records here.") % {"name": other.name}))
    return found


def enrolling_in(workflow: Workflow) -> QuerySet[Workflow]:
    """The published workflows with a step that names this one."""
    named = Func(
        F("live__definition"), Value(f'$.**.params.workflow ? (@ == "{workflow.pk}")'),
        template="jsonb_path_exists(%(expressions)s::jsonpath)", output_field=BooleanField(),
    )  # fmt: skip
    others = Workflow.objects.filter(deleted_at=None).exclude(pk=workflow.pk).exclude(live=None)
    return others.annotate(names_it=named).filter(names_it=True).order_by("name").only("name")


def timing(definition: Definition) -> list[str]:
    """When the workflow acts and whom it tells about itself, in sentences."""
    settings = definition.settings
    zone = workflow_zone(settings).key
    return [*execution(settings, zone), *told(settings)]


def execution(settings: dict[str, Any], zone: str) -> Iterator[str]:
    windows = [text for entry in listed(settings.get("windows")) if (text := window_text(entry))]
    if windows:
        facts = {"times": get_text_list(windows, _("and")), "zone": zone}
        yield _("Actions are done %(times)s (%(zone)s).") % facts
    else:
        yield _("Actions are done at any time (%(zone)s).") % {"zone": zone}
    pauses = listed(settings.get("pause_dates"))
    if pauses:
        sentence = ngettext("%(count)d pause date is kept.", "%(count)d pause dates are kept.", len(pauses))
        yield sentence % {"count": len(pauses)}
    limit = settings.get("limit")
    if isinstance(limit, dict):
        sentences = {
            "minute": _("At most %(count)s records a minute come to their first action."),
            "hour": _("At most %(count)s records an hour come to their first action."),
            "day": _("At most %(count)s records a day come to their first action."),
        }
        yield sentences.get(str(limit.get("per")), sentences["day"]) % {"count": limit.get("count")}
    off = wall_time(settings.get("turn_off_at"))
    if off:
        facts = {"when": date_format(off, "DATETIME_FORMAT"), "zone": zone}
        yield _("It is turned off on %(when)s (%(zone)s).") % facts


def window_text(entry: Any) -> str:
    """ "on mon, tue from 09:00 to 17:00"; "" for what is no window."""
    if not isinstance(entry, dict):
        return ""
    names = dict(zip(WEEKDAYS, (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")), strict=True))
    days = [names[day] for day in WEEKDAYS if day in listed(entry.get("days"))]
    facts = {"days": ", ".join(days), "from": entry.get("from"), "to": entry.get("to")}
    return _("%(days)s from %(from)s to %(to)s") % facts


def listed(value: Any) -> list[Any]:
    """A list, or nothing: a draft may hold anything, and the review names what is wrong with it."""
    return value if isinstance(value, list) else []


def told(settings: dict[str, Any]) -> Iterator[str]:
    notify = settings.get("notify")
    users = listed(notify.get("users")) if isinstance(notify, dict) else []
    if isinstance(notify, dict) and (named := listed(notify.get("teams"))):
        labels = dict(teams.choices())
        users = [*users, *(_("the team “%(name)s”") % {"name": labels.get(str(slug), slug)} for slug in named)]
    if not isinstance(notify, dict) or not users:
        yield _("Nobody is notified about its performance.")
        return
    about = [str(KINDS[kind]) for kind in listed(notify.get("about")) if isinstance(kind, str) and kind in KINDS]
    facts = {"people": ", ".join(map(str, users)), "about": "; ".join(about)}
    yield _("Notified are %(people)s, about: %(about)s.") % facts
