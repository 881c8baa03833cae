"""Addresses below /api/v1/ that need the CRM; mounted by the project before the records' own."""

from __future__ import annotations

from django.urls import path

from crm.api.asset_views import AudienceView, EmailTemplateView, SequenceView, SurveyView
from crm.api.message_views import MessageView
from crm.api.subscription_views import SubscriptionView
from records.object_types import object_types

subscriptions = SubscriptionView.as_view(
    {"get": "subscriptions", "put": "set_subscriptions"}, object_type=object_types["contact"]
)
messages = MessageView.as_view({"get": "messages", "post": "add_message"}, object_type=object_types["conversation"])

ASSETS = (
    ("email-templates", EmailTemplateView), ("sequences", SequenceView), ("surveys", SurveyView),
    ("audiences", AudienceView),
)  # fmt: skip

urlpatterns = [
    *(path(f"{name}/", view.as_view({"get": "list"}), name=f"api-{name}") for name, view in ASSETS),
    *(path(f"{name}/<int:id>/", view.as_view({"get": "retrieve"}), name=f"api-{name}-one") for name, view in ASSETS),
    path("conversations/<int:id>/messages/", messages, name="api-conversations-messages"),
    path("contacts/<int:id>/subscriptions/", subscriptions, name="api-contacts-subscriptions"),
]
