"""The review and publish screen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from workflows import drafting
from workflows.admin.inside import choices_sent, inside_rows
from workflows.admin.matching_list import ADD, list_of_matching
from workflows.definitions import checking
from workflows.definitions.connecting import connections, timing
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.editor.changes import Changes, changes
from workflows.editor.settings_panel import NAME as SETTINGS
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.registries import actions
from workflows.rights import opening
from workflows.schedules.scheduling import zone_of
from workflows.schedules.words import shown_firing


class ReviewViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    message_user: Any
    workflow_or_404: Any

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: what publishing would mean. POST: publish exactly the draft that was reviewed (`rev`)."""
        workflow: Workflow = self.workflow_or_404(request, pk, "view")
        revision = drafting.shown(workflow)
        if revision is None or revision.published_at is not None:
            self.message_user(request, _("There is nothing to publish: nothing has changed since."), messages.INFO)
            return redirect("admin:workflow_editor", workflow.pk)
        if "see_all" in request.POST:
            return list_of_matching(request, workflow)
        if request.method == "POST":
            done = self.publish(request, workflow)
            if done is not None:
                return done
            revision = drafting.shown(workflow) or revision
        review = publishing.review(workflow, user=request.user, now=database_now())
        context = self.admin_site.each_context(request) | {
            "title": _("Review and publish"), "workflow": workflow, "review": review, "rev": revision.rev,
            "errors": [linked(p, review.definition) for p in review.problems if p.severity == "error"],
            "warnings": [linked(p, review.definition) for p in review.problems if p.severity != "error"],
            "kind": object_types[workflow.object_type], "fresh": max(review.matching - review.already_enrolled, 0),
            "samples": [(record_url(workflow.object_type, pk), name) for pk, name in review.samples],
            "inside": review.inside.count, "rows": inside_rows(review),
            "connections": connections(workflow, review.definition) if review.definition else [],
            "timing": timing(review.definition) if review.definition else [],
            "paused": workflow.status == Workflow.Status.PAUSED,
            "times": next_times(review),
            "by_schedule": bool(review.definition and review.definition.trigger.kind == "schedule"),
            "by_filter": bool(review.definition and review.definition.trigger.kind == "filter"),
            "text": description(review.definition),
            "changes": changed_by(workflow, review.definition),
            "may_publish": opening.may_change(workflow, request.user, checking.PUBLISH),
            "may_list": request.user.has_perm(ADD),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/review.html", context)

    def publish(self, request: HttpRequest, workflow: Workflow) -> HttpResponse | None:
        """Publish; None, with a message, when it cannot be done."""
        sent = request.POST
        try:
            published = publishing.publish(
                workflow, by=request.user, now=database_now(), rev=int(sent.get("rev") or -1),
                enroll_existing=sent.get("enroll_existing") == "yes", **choices_sent(sent),
            )  # fmt: skip
        except publishing.RevisionConflict as conflict:
            who = conflict.by or _("Somebody")
            message = _("%(what)s Last change: %(who)s. Look at the review below again, then publish.")
            self.message_user(request, message % {"what": conflict, "who": who}, messages.ERROR)
            return None
        except DocumentError as error:
            self.message_user(request, error.problems[0].message, messages.ERROR)
            return None
        except ValueError as error:
            raise PermissionDenied from error
        count = published.enrolled
        told = ngettext("%(count)s record was enrolled.", "%(count)s records were enrolled.", count)
        paused = workflow.status == Workflow.Status.PAUSED
        state = _("“%(name)s” is published and still paused.") if paused else _("“%(name)s” is on.")
        message = state % {"name": workflow.name} + " " + told % {"count": f"{count:,}"}
        self.message_user(request, message, messages.SUCCESS)
        url = reverse("admin:workflows_enrollment_changelist")
        return redirect(f"{url}?workflow__id__exact={workflow.pk}")


def changed_by(workflow: Workflow, draft: Definition | None) -> Changes | None:
    """What differs from the live workflow; None where nothing is live or one of the two cannot be read."""
    if workflow.live is None or draft is None:
        return None
    try:
        live = parse(workflow.live.definition)
    except DocumentError:
        return None
    return changes(live, draft, reverse("admin:workflow_editor", args=[workflow.pk]))


def next_times(review: publishing.Review) -> list[str]:
    """When the schedule fires next, as the workflow's clocks show it."""
    if review.definition is None:
        return []
    zone = zone_of(review.definition)
    return [shown_firing(instant, zone) for instant in review.upcoming]


def linked(problem: Any, definition: Definition | None) -> tuple[str, str, str]:
    """A problem's step (for the link), the step's name and the message."""
    if problem.path.startswith(("trigger", "centre")):
        return "trigger", _("Trigger"), str(problem.message)
    if problem.path.startswith("settings"):
        return SETTINGS, _("Settings"), str(problem.message)
    steps = sorted(definition.walk(), key=lambda step: -len(step.path)) if definition else []
    for step in steps:
        if f"{problem.path}.".startswith(f"{step.path}."):
            assert definition is not None
            name = f"{definition.number_of(step.id)}. {actions[step.action].label}"
            return step.id, name, str(problem.message)
    return "", "", str(problem.message)


def record_url(object_type: str, pk: int) -> str:
    meta = object_types[object_type].model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def description(definition: Definition | None) -> str:
    """The description, or one made of the steps' names where there is none (REV-14)."""
    if definition is None:
        return ""
    if definition.description:
        return definition.description
    names = list(dict.fromkeys(str(actions[step.action].label) for step in definition.walk()))
    return ", ".join(names)
