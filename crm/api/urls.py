"""Addresses below /api/v1/ that need the CRM; mounted by the project before the records' own."""

from __future__ import annotations

from django.urls import path

from crm.api.subscription_views import SubscriptionView
from records.object_types import object_types

subscriptions = SubscriptionView.as_view(
    {"get": "subscriptions", "put": "set_subscriptions"}, object_type=object_types["contact"]
)

urlpatterns = [path("contacts/<int:id>/subscriptions/", subscriptions, name="api-contacts-subscriptions")]
