"""Workflows: list, make, read, rename, delete."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.problem_details import ApiProblem
from records.api.schema import Route, query
from records.api.serializing import Body, Line
from records.api.views import ApiView
from records.models import Scope
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows import drafting
from workflows.api import shapes
from workflows.lifecycle import cataloguing, publishing
from workflows.models import Revision, Workflow
from workflows.rights.opening import openable, refuse_closed
from workflows.rights.sensitive import closed_to_token, sensitive_in

READ, WRITE, PUBLISH = (
    scope.value for scope in (Scope.WORKFLOWS_READ, Scope.WORKFLOWS_WRITE, Scope.WORKFLOWS_PUBLISH)
)
VIEW, CHANGE, MAY_PUBLISH = (f"workflows.{verb}_workflow" for verb in ("view", "change", "publish"))


class WorkflowFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(lookup_expr="icontains")
    status = django_filters.ChoiceFilter(choices=Workflow.Status.choices)
    object = django_filters.ChoiceFilter(
        field_name="object_type", choices=lambda: [(slug, slug) for slug in object_types]
    )
    folder = django_filters.CharFilter(field_name="folder__name")


PARAMETERS = (
    query("name", "Part of the name."),
    query("status", "off, on, paused or draining.", str, enum=list(Workflow.Status.values)),
    query("object", "The slug of an object type."),
    query("folder", "The name of a folder."),
)


class NewWorkflow(Body):
    name = Line(max_length=200)
    object = Line(max_length=50)
    description = Line(required=False, allow_blank=True, max_length=5_000)
    folder = Line(required=False, allow_null=True, max_length=120)
    definition = serializers.DictField(required=False)


class WorkflowChange(Body):
    name = Line(required=False, max_length=200)
    description = Line(required=False, allow_blank=True, max_length=5_000)
    folder = Line(required=False, allow_null=True, max_length=120)


class WorkflowsView(ApiView):
    """Routes below /workflows/."""

    group = "workflows"

    def workflow(self, workflow_id: int) -> Workflow:
        """The workflow; 404 when there is none (any more), 403 for whoever may not open it (PRM-09, PRM-10)."""
        found = workflows().filter(pk=workflow_id).first()
        if found is None:
            raise Http404
        refuse_closed(found, self.request.user)
        token: Any = self.request.auth
        if Scope.SENSITIVE not in token.scopes and (names := sensitive_in(found)):
            detail = _("The workflow uses the sensitive property “%(name)s”. Use a token with the scope “%(scope)s”.")
            raise ApiProblem("forbidden", detail % {"name": names[0], "scope": Scope.SENSITIVE.value})
        return found


class WorkflowView(WorkflowsView):
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(READ, VIEW), gettext_lazy("Workflows, newest first"), shapes.WORKFLOW, parameters=PARAMETERS,
            paged=True,
        ),
        "create": Route(
            Right(WRITE, "workflows.add_workflow"), gettext_lazy("Make a workflow with a draft"), shapes.WORKFLOW,
            NewWorkflow, status=201,
        ),
        "retrieve": Route(Right(READ, VIEW), gettext_lazy("One workflow"), shapes.WORKFLOW),
        "partial_update": Route(
            Right(WRITE, CHANGE), gettext_lazy("Change name, description or folder"), shapes.WORKFLOW, WorkflowChange,
        ),
        "destroy": Route(
            Right(PUBLISH, "workflows.delete_workflow"),
            gettext_lazy("Delete a workflow: it is turned off and everything inside leaves"), status=204,
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        found = openable(workflows(), request.user).exclude(pk__in=closed_to_token(request.auth))
        rows = narrowed(WorkflowFilter, request, found)
        return Response(
            page(request, rows, Order("-id", descending=True), lambda found: [render(one) for one in found])
        )

    def create(self, request: Request) -> Response:
        body = self.body(request, NewWorkflow)
        object_type = object_types.get(body["object"])
        if object_type is None:
            raise DocumentError([cataloguing.unknown_object_type(body["object"])])
        facts = {key: body[key] for key in ("description", "folder", "definition") if key in body}
        try:
            workflow = cataloguing.create(body["name"], object_type, by=request.user, **facts)
        except DocumentError as error:
            raise DocumentError([in_body(problem) for problem in error.problems]) from None
        place = request.build_absolute_uri(f"{request.path}{workflow.pk}/")
        return Response(render(self.workflow(workflow.pk)), status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(render(self.workflow(id)))

    def partial_update(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        cataloguing.change(workflow, self.body(request, WorkflowChange), by=request.user, now=self.now())
        return Response(render(self.workflow(id)))

    def destroy(self, request: Request, id: int) -> Response:
        cataloguing.remove(self.workflow(id), by=request.user, now=self.now())
        return Response(status=204)


def in_body(problem: Problem) -> Problem:
    """A problem of the definition, which the client sent as one key of its document."""
    return problem if problem.path in ("name", "object") else problem.at("definition")


def workflows() -> QuerySet[Workflow]:
    """The workflows that exist, with all their documents show."""
    drafts = Prefetch("revisions", Revision.objects.filter(published_at=None).defer("definition"), "drafts")
    found = Workflow.objects.filter(deleted_at=None).select_related("folder", "created_by", "live")
    return found.defer("live__definition").prefetch_related(drafts)


def render(workflow: Any) -> dict[str, Any]:
    draft = next(iter(workflow.drafts), None)
    return {
        "id": workflow.pk,
        "name": workflow.name,
        "object": workflow.object_type,
        "description": workflow.description,
        "folder": workflow.folder.name if workflow.folder else None,
        "status": workflow.status,
        "live": workflow.live.number if workflow.live else None,
        "draft": {"number": draft.number, "rev": draft.rev} if draft else None,
        "created_by": workflow.created_by.get_username() if workflow.created_by else None,
        "created_at": workflow.created_at,
        "updated_at": workflow.updated_at,
        "turned_on_at": workflow.turned_on_at,
        "turn_off_at": workflow.turn_off_at,
    }


def narrowed(filters: type[django_filters.FilterSet], request: Request, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows that pass the query parameters; DocumentError for a value no filter knows."""
    found = filters(request.query_params, queryset=rows)
    if not found.form.is_valid():
        raise DocumentError(
            Problem(name, str(message), request.query_params.get(name))
            for name, messages in found.form.errors.items()
            for message in messages
        )
    return found.qs


def conflict(error: drafting.Conflict | publishing.RevisionConflict) -> ApiProblem:
    """The 409 that says who changed what, and when."""
    who = error.by.get_username() if error.by else None
    remedy = _("Read the draft again, and send your changes with its new ETag.")
    return ApiProblem(
        "conflict",
        f"{error} {remedy}",
        [Problem("If-Match", remedy, error.rev)],
        conflict={"by": who, "at": error.at, "rev": error.rev, "what": str(error.op)},
        headers={"ETag": f'"{error.rev}"'} if error.rev is not None else {},
    )
