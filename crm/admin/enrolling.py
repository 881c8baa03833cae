"""Workflows on the record pages: what a record is in, and enrolling by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.record_links import url
from records.clock import database_now
from records.ids import id_of
from records.object_types import ObjectType
from workflows.enrollment import enrolling_many
from workflows.enrollment.enrolling import REFUSALS, enroll
from workflows.models import Enrollment, MassEnrollment, Workflow
from workflows.rights.opening import changeable, openable

SHOWN = 20
#: How many records one selection takes along, and how many are enrolled while the person waits.
MOST = 100_000
AT_ONCE = 500


@dataclass(frozen=True)
class Shown:
    """An enrollment as the record page lists it."""

    enrollment: Enrollment
    url: str
    tone: str


TONES = {"active": "chip-info", "completed": "chip-ok", "failed": "chip-danger"}


def enrollments_of(object_type: ObjectType, record_id: int, user: Any) -> list[Shown]:
    """The record's enrollments, newest first, in the workflows a person may open."""
    found = Enrollment.objects.filter(workflow__object_type=object_type.slug, record_id=record_id)
    found = openable(found, user, "workflow")
    return [
        Shown(one, url("admin:workflows_enrollment_change", one.pk), TONES.get(one.status, "chip-muted"))
        for one in found.select_related("workflow").order_by("-id")[:SHOWN]
    ]


def workflows_for(object_type: ObjectType, user: Any) -> QuerySet[Workflow]:
    """The workflows a person can enroll records of the type in by hand: those that are on."""
    found = Workflow.objects.filter(
        object_type=object_type.slug, status=Workflow.Status.ON, live__isnull=False, deleted_at=None
    )
    return changeable(found, user).order_by("name")


def choose(model_admin: Any, request: HttpRequest, ids: list[int]) -> HttpResponse:
    """The page that asks which workflow the selected records are to be enrolled in."""
    object_type = model_admin.object_type
    title = ngettext("Enroll %(count)d record in a workflow", "Enroll %(count)d records in a workflow", len(ids)) % {
        "count": len(ids)
    }
    context = {
        "title": title,
        "listed": ",".join(map(str, ids[:MOST])),
        "count": min(len(ids), MOST),
        "too_many": len(ids) > MOST,
        "workflows": workflows_for(object_type, request.user),
        "prefix": f"admin:crm_{model_admin.opts.model_name}",
    }
    return model_admin.page(request, "admin/crm/enroll.html", context)


def perform(object_type: ObjectType, request: HttpRequest) -> list[int] | MassEnrollment:
    """Enroll the posted records and say what happened to each; the ids that were asked for.

    Many are enrolled in the background: then the work that was begun.
    """
    named = [*request.POST.getlist("record"), *request.POST.get("records", "").split(",")]
    ids = [pk for pk in map(id_of, named) if pk is not None][:MOST]
    workflow = workflows_for(object_type, request.user).filter(pk=id_of(request.POST.get("workflow")) or 0).first()
    if workflow is None:
        messages.error(request, _("Choose a workflow that is turned on."))
        return ids
    if len(ids) > AT_ONCE:
        return enrolling_many.begin(workflow, by=request.user, now=database_now(), record_ids=ids)
    cause: dict[str, Any] = {"kind": "manual", "actor": request.user.pk, "depth": 0, "chain": []}
    done = enroll(workflow, ids, cause=cause, now=database_now(), manual=True)
    if done.enrolled:
        message = ngettext(
            "%(count)d record was enrolled in “%(workflow)s”.",
            "%(count)d records were enrolled in “%(workflow)s”.",
            len(done.enrolled),
        )
        messages.success(request, message % {"count": len(done.enrolled), "workflow": workflow.name})
    for code, count in Counter(done.refused.values()).items():
        message = ngettext(
            "%(count)d record was not enrolled in “%(workflow)s”: %(reason)s",
            "%(count)d records were not enrolled in “%(workflow)s”: %(reason)s",
            count,
        )
        facts = {"count": count, "workflow": workflow.name, "reason": REFUSALS.get(code, code)}
        messages.warning(request, message % facts)
    return ids
