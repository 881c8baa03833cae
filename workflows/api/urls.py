"""Addresses of the workflows API; mounted by the project under /api/v1/."""

from __future__ import annotations

from django.urls import path

from workflows.api.ai_provider_views import AIProviderView
from workflows.api.catalog_views import CatalogView
from workflows.api.connection_views import ConnectionView
from workflows.api.delivery_views import DeliveryView
from workflows.api.draft_views import DraftView
from workflows.api.enrolling_views import EnrollingView
from workflows.api.enrollment_views import EnrollmentView
from workflows.api.moving_views import MovingManyView, MovingView
from workflows.api.performance_views import PerformanceView
from workflows.api.revision_views import AuditView, RevisionView
from workflows.api.switching_views import SwitchingView
from workflows.api.webhook_views import WebhookView
from workflows.api.workflow_views import WorkflowView

ONE = "workflows/<int:id>/"
urlpatterns = [
    path("catalog/", CatalogView.as_view({"get": "list"}), name="api-catalog"),
    path("workflows/", WorkflowView.as_view({"get": "list", "post": "create"}), name="api-workflows"),
    path(
        ONE,
        WorkflowView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-workflow",
    ),
    path(f"{ONE}draft/", DraftView.as_view({"get": "draft", "put": "replace"}), name="api-workflow-draft"),
    path(f"{ONE}review/", DraftView.as_view({"get": "review"}), name="api-workflow-review"),
    path(f"{ONE}publish/", DraftView.as_view({"post": "publish"}), name="api-workflow-publish"),
    path(f"{ONE}turn-on/", SwitchingView.as_view({"post": "turn_on"}), name="api-workflow-turn-on"),
    path(f"{ONE}turn-off/", SwitchingView.as_view({"post": "turn_off"}), name="api-workflow-turn-off"),
    path(f"{ONE}pause/", SwitchingView.as_view({"post": "pause"}), name="api-workflow-pause"),
    path(f"{ONE}resume/", SwitchingView.as_view({"post": "resume"}), name="api-workflow-resume"),
    path(f"{ONE}enroll/", EnrollingView.as_view({"post": "enroll"}), name="api-workflow-enroll"),
    path(
        f"{ONE}enroll-matching/",
        EnrollingView.as_view({"get": "enrolling", "post": "enroll_matching"}),
        name="api-workflow-enroll-matching",
    ),
    path(
        f"{ONE}move-matching/",
        MovingManyView.as_view({"get": "moving", "post": "move_matching"}),
        name="api-workflow-move-matching",
    ),
    path(f"{ONE}unenroll/", EnrollingView.as_view({"post": "unenroll"}), name="api-workflow-unenroll"),
    path(f"{ONE}explain/", EnrollingView.as_view({"get": "explain"}), name="api-workflow-explain"),
    path(f"{ONE}revisions/", RevisionView.as_view({"get": "list_revisions"}), name="api-revisions"),
    path(f"{ONE}revisions/<int:number>/", RevisionView.as_view({"get": "retrieve_revision"}), name="api-revision"),
    path(
        f"{ONE}revisions/<int:number>/compare/<int:later>/",
        RevisionView.as_view({"get": "compare_revisions"}),
        name="api-revision-compare",
    ),
    path(f"{ONE}performance/", PerformanceView.as_view({"get": "retrieve_performance"}), name="api-performance"),
    path("audit/", AuditView.as_view({"get": "list"}), name="api-audit"),
    path("deliveries/", DeliveryView.as_view({"get": "list"}), name="api-deliveries"),
    path("deliveries/retry/", DeliveryView.as_view({"post": "retry_many"}), name="api-deliveries-retry"),
    path("deliveries/skip/", DeliveryView.as_view({"post": "skip_many"}), name="api-deliveries-skip"),
    path("deliveries/mark-sent/", DeliveryView.as_view({"post": "mark_sent_many"}), name="api-deliveries-mark-sent"),
    path("deliveries/<int:id>/", DeliveryView.as_view({"get": "retrieve"}), name="api-delivery"),
    path("deliveries/<int:id>/retry/", DeliveryView.as_view({"post": "retry"}), name="api-delivery-retry"),
    path("deliveries/<int:id>/skip/", DeliveryView.as_view({"post": "skip"}), name="api-delivery-skip"),
    path("deliveries/<int:id>/mark-sent/", DeliveryView.as_view({"post": "mark_sent"}), name="api-delivery-mark-sent"),
    path("connections/", ConnectionView.as_view({"get": "list", "post": "create"}), name="api-connections"),
    path(
        "connections/<int:id>/",
        ConnectionView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-connection",
    ),
    path("connections/<int:id>/sign/", ConnectionView.as_view({"post": "sign"}), name="api-connection-sign"),
    path("ai-providers/", AIProviderView.as_view({"get": "list", "post": "create"}), name="api-ai-providers"),
    path(
        "ai-providers/<int:id>/",
        AIProviderView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-ai-provider",
    ),
    path("webhooks/", WebhookView.as_view({"get": "list", "post": "create"}), name="api-webhooks"),
    path(
        "webhooks/<int:id>/",
        WebhookView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-webhook",
    ),
    path("webhooks/<int:id>/rotate/", WebhookView.as_view({"post": "rotate"}), name="api-webhook-rotate"),
    path("webhooks/<int:id>/sign/", WebhookView.as_view({"post": "sign"}), name="api-webhook-sign"),
    path("webhooks/<int:id>/requests/", WebhookView.as_view({"get": "requests"}), name="api-webhook-requests"),
    path("enrollments/", EnrollmentView.as_view({"get": "list"}), name="api-enrollments"),
    path("enrollments/retry/", EnrollmentView.as_view({"post": "retry_many"}), name="api-enrollments-retry"),
    path("enrollments/skip/", EnrollmentView.as_view({"post": "skip_many"}), name="api-enrollments-skip"),
    path("enrollments/move/", MovingView.as_view({"post": "move_many"}), name="api-enrollments-move"),
    path("enrollments/<int:id>/move/", MovingView.as_view({"post": "move"}), name="api-enrollment-move"),
    path("enrollments/<int:id>/retry/", EnrollmentView.as_view({"post": "retry"}), name="api-enrollment-retry"),
    path("enrollments/<int:id>/skip/", EnrollmentView.as_view({"post": "skip"}), name="api-enrollment-skip"),
    path("enrollments/<int:id>/", EnrollmentView.as_view({"get": "retrieve"}), name="api-enrollment"),
]
