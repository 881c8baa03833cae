"""The changes of a workflow's draft, its named and published versions, and going back to one of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from records.clock import database_now
from records.ids import id_of
from records.problems import DocumentError
from workflows import drafting
from workflows.admin.then_views import ThenViews
from workflows.definitions.parsing import parse
from workflows.drafting import versions
from workflows.drafting.saving import UNDO_DAYS
from workflows.drafting.telling import step_names, told
from workflows.editor.changes import changes as changes_of
from workflows.history import revisions
from workflows.models import DraftOp, NamedVersion, Revision, Workflow
from workflows.rights import opening

PER_PAGE = 50
#: The number of changes of no draft.
NONE = -1
Row = TypeVar("Row", NamedVersion, Revision, DraftOp)


@dataclass(frozen=True)
class Change:
    """One operation as the page tells it; `restorable`: the draft can be what it was before."""

    pk: int
    who: str
    what: str
    at: dt.datetime
    undone: bool
    restorable: bool


class VersionViews(ThenViews):
    """Mixed into the workflow's admin."""

    def version_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("<int:pk>/versions/", wrap(self.versions_view), name="workflow_versions"),
            path("<int:pk>/versions/<int:number>/", wrap(self.version_view), name="workflow_version"),
            path("<int:pk>/versions/compare/", wrap(self.compare_view), name="workflow_compare"),
        ]

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the published version `?to=` changed of the version `?from=`, by default the one before it (HIS-18)."""
        workflow = self.workflow_or_404(request, pk, "view")
        known = {one.number: one for one in revisions.published(workflow)[:PER_PAGE]}
        after = known.get(id_of(request.GET.get("to")) or max(known, default=0))
        older = [number for number in known if after is not None and number < after.number]
        before = known.get(id_of(request.GET.get("from")) or max(older, default=0))
        context = self.admin_site.each_context(request) | {
            "title": _("Compare versions"), "workflow": workflow, "known": list(known.values()),
            "before": before, "after": after,
        }  # fmt: skip
        if before is not None and after is not None:
            try:
                editor = reverse("admin:workflow_editor", args=[pk])
                context["changes"] = changes_of(parse(before.definition), parse(after.definition), editor)
            except DocumentError as error:
                context["problem"] = " ".join(str(problem.message) for problem in error.problems)
        return TemplateResponse(request, "admin/workflows/workflow/compare.html", context)

    def versions_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What was changed, by whom and when; POST names a version or goes back to one."""
        workflow = self.workflow_or_404(request, pk, "change" if request.method == "POST" else "view")
        if request.method == "POST":
            return self.change_version(request, workflow)
        found = Paginator(operations(workflow), PER_PAGE).get_page(request.GET.get("p"))
        shown = drafting.shown(workflow)
        context = self.admin_site.each_context(request) | {
            "title": _("Changes and versions"), "workflow": workflow, "page": found, "rev": shown.rev if shown else 0,
            "changes": changes(found, shown, database_now()), "days": UNDO_DAYS,
            "named": workflow.named_versions.select_related("created_by"),
            "published": published(workflow), "live": workflow.live_id,
            "draft": bool(shown and shown.published_at is None),
            "may_change": opening.may_change(workflow, request.user),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/versions.html", context)

    def change_version(self, request: HttpRequest, workflow: Workflow) -> HttpResponse:
        now, user = database_now(), request.user
        try:
            if "name" in request.POST:
                kept = versions.keep(workflow, request.POST["name"], user=user, now=now)
                messages.success(request, _("This version is now called “%(name)s”.") % {"name": kept.name})
            else:
                go_back(workflow, request, now)
                messages.success(request, _("The draft is what it was then. What is live has not changed."))
        except drafting.Conflict as conflict:
            told = _("%(who)s Nothing was restored: look at the changes and try again.")
            messages.error(request, told % {"who": conflict.sentence})
        except DocumentError as error:
            messages.error(request, " ".join(str(problem.message) for problem in error.problems))
        return redirect("admin:workflow_versions", workflow.pk)


def go_back(workflow: Workflow, request: HttpRequest, now: dt.datetime) -> None:
    """Restore what the form names. Raises Http404 for what is not this workflow's, Conflict and DocumentError."""
    sent = request.POST
    rev = id_of(sent.get("rev"))
    facts: dict[str, Any] = {"rev": NONE if rev is None else rev, "user": request.user, "now": now}
    if "named" in sent:
        versions.restore_named(workflow, one(NamedVersion.objects.all(), workflow, sent["named"]), **facts)
    elif "revision" in sent:
        of_it = Revision.objects.exclude(published_at=None)
        versions.restore_published(workflow, one(of_it, workflow, sent["revision"]), **facts)
    else:
        versions.restore_before(workflow, one(DraftOp.objects.all(), workflow, sent.get("before", "")), **facts)


def one(rows: QuerySet[Row], workflow: Workflow, asked: str) -> Row:
    found = rows.filter(workflow=workflow, pk=id_of(asked) or 0).first()
    if found is None:
        raise Http404(_("There is no version %(id)s of this workflow.") % {"id": asked})
    return found


def operations(workflow: Workflow) -> QuerySet[DraftOp]:
    return DraftOp.objects.filter(workflow=workflow).select_related("user").order_by("-at", "-pk")


def published(workflow: Workflow) -> QuerySet[Revision]:
    found = workflow.revisions.exclude(published_at=None).select_related("published_by")
    return found.defer("definition").order_by("-number")[:PER_PAGE]


def changes(page: Page[DraftOp], shown: Revision | None, now: dt.datetime) -> list[Change]:
    """The operations of a page in words; steps that are gone are named from what would bring them back."""
    draft = shown.pk if shown and shown.published_at is None else None
    names = step_names([op.inverse for op in page], [op.op for op in page], shown.definition if shown else {})
    oldest = now - dt.timedelta(days=UNDO_DAYS)
    return [
        Change(
            op.pk, str(op.user) if op.user else _("Somebody"), told(op.op, names), op.at, op.undone,
            op.revision_id == draft and not op.undone and op.at >= oldest,
        )
        for op in page
    ]  # fmt: skip
