"""Pages about workflows that name what is not installed, and so cannot be read any more: what still can be done."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from records.problems import DocumentError
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.models import Workflow
from workflows.rights import opening

View = Callable[..., HttpResponse]


def explained(view: View, site: AdminSite) -> View:
    """The view of a workflow (`pk`); where it ends because the workflow cannot be read, a page that says so instead.

    Any other DocumentError is raised as it was.
    """

    @wraps(view)
    def readable(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DocumentError as error:
            workflow = Workflow.objects.filter(pk=kwargs.get("pk") or 0, deleted_at=None).first()
            wrong = why_unreadable(workflow) if workflow is not None else None
            if workflow is None or wrong is None:
                raise
            if request.method != "GET" or request.GET.get("format") == "json":
                return JsonResponse({"errors": [problem.as_json() for problem in error.problems]}, status=400)
            return page(request, workflow, wrong, site)

    return readable


def why_unreadable(workflow: Workflow) -> DocumentError | None:
    """What is wrong with what the editor would show, or with what is live; None where both can be read."""
    for revision in (drafting.shown(workflow), workflow.live):
        try:
            parse(revision.definition if revision else {})
        except DocumentError as error:
            if revision is not None:
                return error
    return None


def page(request: HttpRequest, workflow: Workflow, wrong: DocumentError, site: AdminSite) -> HttpResponse:
    context = site.each_context(request) | {
        "title": _("“%(name)s” cannot be read") % {"name": workflow.name}, "workflow": workflow,
        "problems": [str(problem.message) for problem in wrong.problems],
        "may_change": opening.may_change(workflow, request.user),
        "may_remove": opening.may_change(workflow, request.user, "workflows.delete_workflow"),
    }  # fmt: skip
    return TemplateResponse(request, "admin/workflows/workflow/unreadable.html", context, status=409)
