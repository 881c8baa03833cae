"""Turning workflows on and off, pausing and finishing them: a page that says what will happen, then the deed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.clock import database_now
from records.problems import DocumentError
from workflows.definitions import uses
from workflows.definitions.uses import Senders
from workflows.lifecycle import switching
from workflows.models import Enrollment, Workflow
from workflows.rights import opening

Status = Workflow.Status
COLOURS = {Status.ON: "ok", Status.PAUSED: "warn", Status.DRAINING: "info", Status.OFF: "muted"}
ON, RESUME, PAUSE, DRAIN, OFF = "on", "resume", "pause", "drain", "off"


@dataclass(frozen=True)
class Way:
    """One way to switch: its verb, its button, its question, and from which states it leads anywhere."""

    verb: Callable[..., None]
    label: str | Promise
    question: str | Promise
    done: str | Promise
    icon: str
    states: tuple[Workflow.Status, ...]


WAYS = {
    ON: Way(
        switching.turn_on, gettext_lazy("Turn on"), gettext_lazy("Turn on?"), gettext_lazy("“%(name)s” is on."),
        "play", (Status.OFF, Status.DRAINING),
    ),
    RESUME: Way(
        switching.resume, gettext_lazy("Resume"), gettext_lazy("Resume?"), gettext_lazy("“%(name)s” goes on."),
        "play", (Status.PAUSED,),
    ),
    PAUSE: Way(
        switching.pause, gettext_lazy("Pause"), gettext_lazy("Pause?"), gettext_lazy("“%(name)s” is paused."),
        "pause", (Status.ON,),
    ),
    DRAIN: Way(
        lambda workflow, **facts: switching.turn_off(workflow, drain=True, **facts),
        gettext_lazy("Finish and turn off"), gettext_lazy("Finish and turn off?"),
        gettext_lazy("“%(name)s” lets nobody in and finishes."), "check-circle", (Status.ON, Status.PAUSED),
    ),
    OFF: Way(
        switching.turn_off, gettext_lazy("Turn off"), gettext_lazy("Turn off?"), gettext_lazy("“%(name)s” is off."),
        "x", (Status.ON, Status.PAUSED, Status.DRAINING),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Consequence:
    """What switching means for one workflow, in sentences."""

    workflow: Workflow
    sentences: list[str]


def ways_of(workflow: Workflow) -> list[tuple[str, Way]]:
    """The ways a workflow can be switched now; none for one that was never published."""
    if workflow.live_id is None:
        return []
    return [(slug, way) for slug, way in WAYS.items() if workflow.status in way.states]


def url_of(to: str, ids: list[int], back: str = "list") -> str:
    query = urlencode([("to", to), *(("id", pk) for pk in ids), ("from", back)])
    return f"{reverse('admin:workflow_switch')}?{query}"


def links(workflow: Workflow, back: str) -> list[tuple[str, Any]]:
    """The address and the label of each way a workflow can be switched."""
    return [(url_of(slug, [workflow.pk], back), way.label) for slug, way in ways_of(workflow)]


class SwitchViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    message_user: Any

    def switch_view(self, request: HttpRequest) -> HttpResponse:
        """GET: what switching (`to`) the workflows (`id`, several) will do. POST: do it."""
        if not request.user.has_perm(switching.PUBLISH):
            raise PermissionDenied
        way = WAYS.get(request.GET.get("to", ""))
        ids = [int(pk) for pk in request.GET.getlist("id") if pk.isascii() and pk.isdigit() and len(pk) < 10]
        found = opening.openable(Workflow.objects.filter(pk__in=ids, deleted_at=None), request.user)
        chosen = list(found.order_by("name"))
        if way is None or not chosen:
            raise Http404(_("There is no such workflow, or no such way to switch it."))
        barred = opening.levels(request.user)
        able = [one for one in chosen if one.live_id and one.status in way.states and one.pk not in barred]
        if request.method == "POST":
            self.switch_all(request, way, able)
            if request.GET.get("from") == "editor":
                return redirect("admin:workflow_editor", chosen[0].pk)
            return redirect("admin:workflows_workflow_changelist")
        one = chosen[0] if len(chosen) == 1 else None
        cancel = reverse("admin:workflows_workflow_changelist")
        if one is not None and request.GET.get("from") == "editor":
            cancel = reverse("admin:workflow_editor", args=[one.pk])
        context = self.admin_site.each_context(request) | {
            "title": way.question, "way": way, "one": one, "cancel": cancel,
            "consequences": consequences(request.GET["to"], able),
            "unable": [
                (workflow, opening.why_read_only() if workflow.pk in barred else state_of(workflow))
                for workflow in chosen
                if workflow not in able
            ],
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/switch.html", context)

    def switch_all(self, request: HttpRequest, way: Way, workflows: list[Workflow]) -> None:
        for workflow in workflows:
            try:
                way.verb(workflow, by=request.user, now=database_now())
            except DocumentError as error:
                self.message_user(request, f"{workflow}: {error.problems[0].message}", messages.ERROR)
            else:
                self.message_user(request, way.done % {"name": workflow.name}, messages.SUCCESS)

    def ask_to_switch(self, to: str, queryset: Any) -> HttpResponse:
        """The page that asks, for the workflows ticked in the list."""
        return redirect(url_of(to, list(queryset.values_list("pk", flat=True)[:200])))


def state_of(workflow: Workflow) -> str:
    return str(workflow.get_status_display() if workflow.live_id else _("Draft"))


def consequences(to: str, workflows: list[Workflow]) -> list[Consequence]:
    """What switching means, counted: as many queries however many workflows."""
    active = Enrollment.objects.filter(workflow__in=workflows, status=Enrollment.Status.ACTIVE)
    rows = active.values_list("workflow").annotate(
        count=Count("pk"), due=Count("pk", filter=Q(due_at__lte=database_now()))
    )
    counts = {pk: (count, due) for pk, count, due in rows}
    sending = uses.enrolling_in_each(workflows) if to in (DRAIN, OFF) else {}
    return [
        Consequence(one, [*sentences(to, *counts.get(one.pk, (0, 0))), *turned_away(sending.get(one.pk))])
        for one in workflows
    ]


def turned_away(senders: Senders | None) -> list[str]:
    """Who sends records to a workflow that will let nobody in."""
    if senders is None:
        return []
    told = []
    if senders.names:
        sentence = ngettext(
            "The workflow %(names)s enrolls records here: they will be turned away.",
            "The workflows %(names)s enroll records here: they will be turned away.",
            len(senders.names),
        )
        quoted = [_("“%(name)s”") % {"name": name} for name in senders.names]
        told.append(sentence % {"names": get_text_list(quoted, _("and"))})
    if senders.closed:
        sentence = ngettext(
            "%(count)d workflow you have no access to enrolls records here: they will be turned away.",
            "%(count)d workflows you have no access to enroll records here: they will be turned away.",
            senders.closed,
        )
        told.append(sentence % {"count": senders.closed})
    return told


def sentences(to: str, inside: int, due: int) -> list[str | SafeString]:
    facts = {"count": f"{inside:,}", "due": f"{due:,}"}
    return [text % facts for text in TELLERS[to](inside, due)]


def turning_on(inside: int, due: int) -> list[str]:
    told = [_("Records that begin to match from now on enter. Who matches already does not.")]
    if inside:
        told.append(
            ngettext(
                "%(count)s record is inside: its actions are done again. What was skipped meanwhile is not made "
                "up for.",
                "%(count)s records are inside: their actions are done again. What was skipped meanwhile is not made "
                "up for.",
                inside,
            )
        )
    return told


def resuming(inside: int, due: int) -> list[str]:
    told = [_("Steps are taken again, and records that entered meanwhile begin.")]
    if due:
        told.append(
            ngettext(
                "%(due)s of %(count)s records inside is due and goes on at once.",
                "%(due)s of %(count)s records inside are due and go on at once.",
                due,
            )
        )
    return told


def pausing(inside: int, due: int) -> list[str]:
    told = [_("Records still enter, and wait at the first step. No step is taken until you resume.")]
    if inside:
        told.append(
            ngettext(
                "%(count)s record is inside and held where it stands. The time of delays goes on; whose delay ends "
                "meanwhile goes on when you resume.",
                "%(count)s records are inside and held where they stand. The time of delays goes on; whose delay ends "
                "meanwhile goes on when you resume.",
                inside,
            )
        )
    told.append(_("Messages that steps have handed over already are still sent."))
    return told


def draining(inside: int, due: int) -> list[str]:
    told = [_("Nobody enters any more.")]
    if not inside:
        return [*told, _("Nobody is inside, so it is off at once.")]
    told.append(
        ngettext(
            "%(count)s record is inside and finishes with all its actions, then the workflow is off.",
            "%(count)s records are inside and finish with all their actions, then the workflow is off.",
            inside,
        )
    )
    return [*told, _("Until then you can call this off by turning it on.")]


def turning_off(inside: int, due: int) -> list[str]:
    told = [_("Nobody enters any more.")]
    if not inside:
        return [*told, _("Nobody is inside.")]
    told.append(
        ngettext(
            "%(count)s record is inside and stays: its actions are skipped, delays still wait and branches still "
            "send it on.",
            "%(count)s records are inside and stay: their actions are skipped, delays still wait and branches still "
            "send them on.",
            inside,
        )
    )
    return [*told, _("To have their actions done, choose “Finish and turn off”; to hold them, choose “Pause”.")]


TELLERS: dict[str, Callable[[int, int], list[str]]] = {
    ON: turning_on, RESUME: resuming, PAUSE: pausing, DRAIN: draining, OFF: turning_off,
}  # fmt: skip
