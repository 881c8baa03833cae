"""Published revisions of a workflow, and the audit log (HIS-17, HIS-18)."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.schema import Route, object_shape, query
from records.api.views import ApiView, whole_number
from records.models import Scope
from workflows.api import shapes
from workflows.api.shapes import COUNT, MAYBE_COUNT, MAYBE_TEXT, TEXT, many
from workflows.api.workflow_views import READ, VIEW, WorkflowsView, narrowed
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.history import auditing, revisions
from workflows.models import AuditEntry, Revision, Workflow
from workflows.rights.opening import openable
from workflows.rights.sensitive import closed_to_token

REVISION = object_shape(
    {
        "number": COUNT, "published_at": shapes.INSTANT, "published_by": MAYBE_TEXT, "live": shapes.FLAG,
    },
    title="Revision",
)  # fmt: skip
VALUES = object_shape({"at": TEXT, "before": TEXT, "after": TEXT})
CHANGED = object_shape(
    {"place": TEXT, "label": TEXT, "mark": TEXT, "number": MAYBE_COUNT, "values": many(VALUES)}, title="ChangedPart"
)
ENTRY = object_shape(
    {
        "id": shapes.ID, "at": shapes.INSTANT, "user": MAYBE_TEXT, "workflow": shapes.ID, "name": TEXT, "action": TEXT,
        "what": TEXT, "sentences": many(TEXT), "changes": many(VALUES),
    },
    title="AuditEntry",
)  # fmt: skip


class RevisionView(WorkflowsView):
    routes: ClassVar[dict[str, Route]] = {
        "list_revisions": Route(
            Right(READ, VIEW), gettext_lazy("Published revisions of a workflow, newest first"), REVISION, paged=True
        ),
        "retrieve_revision": Route(
            Right(READ, VIEW), gettext_lazy("A published revision's definition"), shapes.DEFINITION
        ),
        "compare_revisions": Route(
            Right(READ, VIEW), gettext_lazy("What a revision changed of another one"), many(CHANGED),
        ),
    }  # fmt: skip

    def list_revisions(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        found = revisions.published(workflow).defer("definition")
        return Response(
            page(request, found, Order("-id", descending=True), lambda rows: [render(one, workflow) for one in rows])
        )

    def retrieve_revision(self, request: Request, id: int, number: int) -> Response:
        return Response(self.revision(id, number).definition)

    def compare_revisions(self, request: Request, id: int, number: int, later: int) -> Response:
        before, after = self.definition(id, number), self.definition(id, later)
        return Response([changed(one) for one in revisions.between(before, after)])

    def revision(self, workflow_id: int, number: int) -> Revision:
        found = revisions.published(self.workflow(workflow_id)).filter(number=number).first()
        if found is None:
            raise Http404
        return found

    def definition(self, workflow_id: int, number: int) -> Definition:
        return parse(self.revision(workflow_id, number).definition)


class AuditFilter(django_filters.FilterSet):
    action = django_filters.CharFilter()
    user = django_filters.CharFilter(method="by")
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    def by(self, rows: QuerySet[AuditEntry], _name: str, value: str) -> QuerySet[AuditEntry]:
        """What somebody did, also if they are deleted by now."""
        return rows.filter(Q(user__username=value) | Q(user=None, **{f"detail__{auditing.GONE}": value}))


class AuditView(ApiView):
    group = "audit"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(Scope.HISTORY_READ.value, "workflows.view_auditentry"),
            gettext_lazy("Who did what to workflows, newest first"), ENTRY, paged=True,
            parameters=(
                query("workflow", "A workflow's id.", int),
                query("action", "A code, like published or edited."),
                query("user", "A user name."),
                query("since", "An instant; entries from then on."),
                query("until", "An instant; entries before it."),
            ),
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        rows = openable(AuditEntry.objects.select_related("workflow", "user"), request.user, "workflow")
        rows = rows.exclude(workflow__in=closed_to_token(request.auth))
        rows = narrowed(AuditFilter, request, rows)
        workflow = whole_number(request, "workflow")
        rows = rows if workflow is None else rows.filter(workflow_id=workflow)
        return Response(
            page(request, rows, Order("-id", descending=True), lambda found: [entry(one) for one in found])
        )


def render(revision: Revision, workflow: Workflow) -> dict[str, Any]:
    return {
        "number": revision.number,
        "published_at": revision.published_at,
        "published_by": revision.published_by.get_username() if revision.published_by else None,
        "live": revision.pk == workflow.live_id,
    }


def changed(one: revisions.Changed) -> dict[str, Any]:
    return {
        "place": one.place, "label": one.label, "mark": one.mark, "number": one.number, "values": values(one.values),
    }  # fmt: skip


def values(found: Any) -> list[dict[str, str]]:
    return [{"at": at, "before": before, "after": after} for at, before, after in found]


def entry(one: AuditEntry) -> dict[str, Any]:
    return {
        "id": one.pk,
        "at": one.at,
        "user": one.user.get_username() if one.user else one.detail.get(auditing.GONE),
        "workflow": one.workflow_id,
        "name": one.workflow.name,
        "action": one.action,
        "what": auditing.action_of(one),
        "sentences": list(auditing.sentences_of(one.detail)),
        "changes": values(auditing.changes_of(one)),
    }
