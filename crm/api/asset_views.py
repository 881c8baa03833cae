"""What steps send and enroll in, to be looked at: emails, sequences, surveys and ads audiences. Pages change them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence as Several
from typing import Any, ClassVar

from django.db.models import Count, Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Audience, EmailTemplate, FeedbackSubmission, Sequence, SequenceStep, Survey, SurveyQuestion
from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.record_shapes import ID, INSTANT
from records.api.schema import Document, Route, object_shape
from records.api.views import ApiView
from records.models import Scope

READ = Scope.WORKFLOWS_READ.value
TEXT: Document = {"type": "string"}
FLAG: Document = {"type": "boolean"}
NUMBER: Document = {"type": "integer"}
NAMED: Document = {"type": ["string", "null"], "description": "An internal name."}
LATER: Document = {**INSTANT, "type": ["string", "null"]}
HEAD: Document = {"id": ID, "slug": {"type": "string", "description": "What steps name it by."}, "name": TEXT}


def choice(values: Several[str]) -> Document:
    return {"type": "string", "enum": list(values)}


EMAIL = object_shape(
    {
        **HEAD, "subject": TEXT, "preview_text": TEXT, "from_name": TEXT, "from_address": TEXT, "reply_to": TEXT,
        "subscription_type": NAMED, "body": {"type": "string", "description": "HTML with tokens."}, "footer": TEXT,
        "track_opens": FLAG, "track_clicks": FLAG, "archived_at": LATER, "created_at": INSTANT, "updated_at": INSTANT,
    },
    title="EmailTemplate",
)  # fmt: skip
STEP = object_shape(
    {
        "id": ID, "kind": choice(SequenceStep.Kind.values), "days": NUMBER,
        "at": {"type": ["string", "null"], "format": "time"}, "subject": TEXT, "body": TEXT,
    },
    title="SequenceStep",
)  # fmt: skip
SEQUENCE = object_shape(
    {
        **HEAD, "active": FLAG, "is_agent": FLAG, "subscription_type": NAMED, "time_zone": TEXT, "workdays": FLAG,
        "thread": FLAG, "steps": {"type": "array", "items": STEP}, "created_at": INSTANT,
    },
    title="Sequence",
)  # fmt: skip
QUESTION = object_shape(
    {
        "id": ID, "kind": choice(SurveyQuestion.Kind.values), "text": TEXT, "required": FLAG,
        "options": {"type": "array", "items": TEXT},
    },
    title="SurveyQuestion",
)  # fmt: skip
SURVEY = object_shape(
    {
        **HEAD, "kind": choice(FeedbackSubmission.Kind.values), "delivery": choice(Survey.Delivery.values),
        "active": FLAG, "closes_at": LATER, "subscription_type": NAMED, "subject": TEXT, "message": TEXT,
        "repeat_days": NUMBER, "questions": {"type": "array", "items": QUESTION}, "created_at": INSTANT,
    },
    title="Survey",
)  # fmt: skip
AUDIENCE = object_shape(
    {
        **HEAD, "connection": NAMED, "path": TEXT, "subscription_type": NAMED,
        "members": {"type": "integer", "description": "How many contacts are in it."}, "synced_at": LATER,
        "created_at": INSTANT,
    },
    title="Audience",
)  # fmt: skip


class AssetView(ApiView, ABC):
    """Rows of one model, to be looked at."""

    @abstractmethod
    def rows(self) -> QuerySet[Any]:
        """Those there are, in their order."""

    @abstractmethod
    def document(self, one: Any) -> dict[str, Any]:
        """One of them as the API shows it."""

    def list(self, request: Request) -> Response:
        return Response(page(request, self.rows(), Order("id"), lambda some: [self.document(one) for one in some]))

    def retrieve(self, request: Request, id: int) -> Response:
        found = self.rows().filter(pk=id).first()
        if found is None:
            raise Http404
        return Response(self.document(found))


def routes(model: type[Model], several: Any, one: Any, shape: Document) -> dict[str, Route]:
    right = Right(READ, f"{model._meta.app_label}.view_{model._meta.model_name}")
    return {"list": Route(right, several, shape, paged=True), "retrieve": Route(right, one, shape)}


def plain(one: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("slug", "name", *names)} | {"id": one.pk}


class EmailTemplateView(AssetView):
    """Marketing emails as they are written."""

    group = "email_templates"
    routes: ClassVar[dict[str, Route]] = routes(
        EmailTemplate, gettext_lazy("Marketing emails"), gettext_lazy("One marketing email"), EMAIL
    )

    def rows(self) -> QuerySet[Any]:
        return EmailTemplate.objects.all()

    def document(self, one: EmailTemplate) -> dict[str, Any]:
        own = (
            "subject", "preview_text", "from_name", "from_address", "reply_to", "body", "footer", "track_opens",
            "track_clicks", "archived_at", "created_at", "updated_at",
        )  # fmt: skip
        return plain(one, *own) | {"subscription_type": one.type_id}


class SequenceView(AssetView):
    """Sequences with their steps in order."""

    group = "sequences"
    routes: ClassVar[dict[str, Route]] = routes(
        Sequence, gettext_lazy("Sequences"), gettext_lazy("One sequence"), SEQUENCE
    )

    def rows(self) -> QuerySet[Any]:
        return Sequence.objects.select_related("subscription").prefetch_related("steps")

    def document(self, one: Sequence) -> dict[str, Any]:
        steps = [
            {name: getattr(step, name) for name in ("kind", "days", "at", "subject", "body")} | {"id": step.pk}
            for step in one.steps.all()
        ]
        facts = {"subscription_type": one.subscription.slug, "time_zone": str(one.time_zone), "steps": steps}
        return plain(one, "active", "is_agent", "workdays", "thread", "created_at") | facts


class SurveyView(AssetView):
    """Surveys with their questions in order; never the address by which one is answered."""

    group = "surveys"
    routes: ClassVar[dict[str, Route]] = routes(Survey, gettext_lazy("Surveys"), gettext_lazy("One survey"), SURVEY)

    def rows(self) -> QuerySet[Any]:
        return Survey.objects.prefetch_related("questions")

    def document(self, one: Survey) -> dict[str, Any]:
        questions = [
            {name: getattr(found, name) for name in ("kind", "text", "required", "options")} | {"id": found.pk}
            for found in one.questions.all()
        ]
        own = ("kind", "delivery", "active", "closes_at", "subject", "message", "repeat_days", "created_at")
        return plain(one, *own) | {"subscription_type": one.type_id, "questions": questions}


class AudienceView(AssetView):
    """Ads audiences; who is in one is not told here."""

    group = "audiences"
    routes: ClassVar[dict[str, Route]] = routes(
        Audience, gettext_lazy("Ads audiences"), gettext_lazy("One ads audience"), AUDIENCE
    )

    def rows(self) -> QuerySet[Any]:
        return Audience.objects.select_related("connection").annotate(size=Count("members"))

    def document(self, one: Any) -> dict[str, Any]:
        connection = one.connection.slug if one.connection else None
        facts = {"connection": connection, "subscription_type": one.type_id, "members": one.size}
        return plain(one, "path", "synced_at", "created_at") | facts
