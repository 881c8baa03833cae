"""The review and publish screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from records.ids import id_of
from records.object_types import object_types
from records.problems import DocumentError
from workflows import drafting
from workflows.admin.inside import choices_sent, inside_rows
from workflows.admin.matching_list import ADD, list_of_matching
from workflows.admin.problem_places import Told, told
from workflows.definitions import checking
from workflows.definitions.connecting import connections, timing
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.editor.changes import Changes, changes
from workflows.lifecycle import describing, previewing, publishing
from workflows.models import Workflow
from workflows.reviewing.looking import live_of
from workflows.reviewing.nearly import nearly
from workflows.rights import opening
from workflows.schedules.scheduling import zone_of
from workflows.schedules.words import shown_firing

#: Parts of a workflow that are named beside its button as what blocks it; the others stand above, with the first.
BLOCKING = 3
#: The number of changes of no draft.
NONE = -1


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
        review = previewing.review(workflow, user=request.user, now=database_now())
        errors = told_of(workflow, review, blocking=True)
        may_publish = opening.may_change(workflow, request.user, checking.PUBLISH)
        context = self.admin_site.each_context(request) | {
            "title": _("Review and publish"), "workflow": workflow, "review": review, "rev": revision.rev,
            "errors": errors, "blocking": named_once(errors), "warnings": told_of(workflow, review, blocking=False),
            "kind": object_types[workflow.object_type], "fresh": review.fresh,
            "samples": [(record_url(workflow.object_type, pk), name) for pk, name in review.samples],
            "nearly": nearly_rows(workflow, review),
            "inside": review.inside.count, "rows": inside_rows(review),
            "connections": connections(workflow, review.definition) if review.definition else [],
            "timing": timing(review.definition) if review.definition else [],
            "paused": workflow.status == Workflow.Status.PAUSED,
            "times": next_times(review), "zone": zone_of(review.definition) if review.definition else "",
            "by_schedule": bool(review.definition and review.definition.trigger.kind == "schedule"),
            "by_filter": bool(review.definition and review.definition.trigger.kind == "filter"),
            "naming": naming(workflow, review.definition, request.POST),
            "changes": changed_by(workflow, review.definition),
            "parts": parts_of(workflow, review, ends=may_publish and not errors),
            "again": bool(review.definition and review.definition.trigger.document.get("reenroll")),
            "may_publish": may_publish,
            "may_list": request.user.has_perm(ADD),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/review.html", context)

    def publish(self, request: HttpRequest, workflow: Workflow) -> HttpResponse | None:
        """Publish; None, with a message, when it cannot be done."""
        sent, revision = request.POST, previewing.draft(workflow)
        rev = id_of(sent.get("rev"))
        try:
            called = naming(workflow, parse(revision.definition) if revision else None, sent)
            published = publishing.publish(
                workflow, by=request.user, now=database_now(), rev=NONE if rev is None else rev,
                enroll_existing=sent.get("enroll_existing") == "yes", **choices_sent(sent),
                name=called.name, description=called.description,
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
        entered = ngettext("%(count)s record was enrolled.", "%(count)s records were enrolled.", count)
        paused = workflow.status == Workflow.Status.PAUSED
        state = _("“%(name)s” is published and still paused.") if paused else _("“%(name)s” is on.")
        message = state % {"name": workflow.name} + " " + entered % {"count": f"{count:,}"}
        self.message_user(request, message, messages.SUCCESS)
        url = reverse("admin:workflows_enrollment_changelist")
        return redirect(f"{url}?workflow__id__exact={workflow.pk}")


def nearly_rows(workflow: Workflow, review: previewing.Review) -> list[tuple[str, str, str]]:
    """Address and name of who narrowly does not meet the trigger, and because of what; for who may be told."""
    compiled = previewing.trigger_criteria(review.definition, database_now()) if review.definition else None
    if compiled is None or review.withheld:
        return []
    return [(record_url(workflow.object_type, one.record), one.name, one.sentence) for one in nearly(compiled)]


def changed_by(workflow: Workflow, draft: Definition | None) -> Changes | None:
    """What differs from the live workflow; None where nothing is live or one of the two cannot be read."""
    live = live_of(workflow)
    if live is None or draft is None:
        return None
    return changes(live, draft, reverse("admin:workflow_editor", args=[workflow.pk]))


def next_times(review: previewing.Review) -> list[str]:
    """When the schedule fires next, as the workflow's clocks show it."""
    if review.definition is None:
        return []
    zone = zone_of(review.definition)
    return [shown_firing(instant, zone) for instant in review.upcoming]


def record_url(object_type: str, pk: int) -> str:
    meta = object_types[object_type].model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def parts_of(workflow: Workflow, review: previewing.Review, *, ends: bool) -> list[tuple[str, str]]:
    """The steps of the review (REV-10, REV-11, REV-13); the last shows everything once more.

    `ends` says whether the workflow may be turned on there: nothing is promised that cannot be done.
    """
    found = [
        ("enrollment", _("Enrollment")), ("timing", _("Timing and notifications")), ("connections", _("Connections")),
    ]  # fmt: skip
    if review.inside.count or workflow.live is not None:
        found.append(("inside", _("What changes")))
    return [*found, ("all", _("Turn on") if ends else _("Summary"))]


def told_of(workflow: Workflow, review: previewing.Review, *, blocking: bool) -> list[Told]:
    """The problems of a review with their links: those that keep it from being published, or the others."""
    found = [problem for problem in review.problems if (problem.severity == "error") == blocking]
    return [told(problem, review.definition, workflow.pk) for problem in found]


def named_once(problems: list[Told]) -> list[Told]:
    """The first problem of each part of the workflow, of a few of them, for a line that says what blocks."""
    found: dict[str, Told] = {}
    for one in problems:
        found.setdefault(one.name, one)
    return list(found.values())[:BLOCKING]


@dataclass(frozen=True)
class Naming:
    """The name and description a workflow is published with; `made` are the fields that were made for it (REV-14)."""

    name: str
    description: str
    made: tuple[str, ...] = ()


def naming(workflow: Workflow, definition: Definition | None, sent: QueryDict) -> Naming:
    """What was sent, else the draft's own, else what the workflow does, in words."""
    if definition is None:
        return Naming(workflow.name, workflow.description)
    own = {"name": definition.name, "description": definition.description}
    live = live_of(workflow)
    if live is not None and own["description"] == describing.generated_description(live):
        own["description"] = ""  # What was made is made anew: the workflow does something else now.
    found = {key: sent.get(key, "").strip() or text for key, text in own.items()}
    made = tuple(key for key, text in found.items() if not text)
    return Naming(
        found["name"] or describing.generated_name(definition),
        found["description"] or describing.generated_description(definition),
        made,
    )
