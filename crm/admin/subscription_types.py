"""Subscription types: what people can subscribe to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import Subscription, SubscriptionType
from workflows.dependencies import using


@admin.register(SubscriptionType)
class SubscriptionTypeAdmin(LastingSlugAdmin):
    """The internal name is what criteria and workflows hold, so it stays; a type in use is made inactive instead."""

    list_display = ("name", "channel", "purpose", "active", "number_of_subscribers")
    list_filter = ("channel", "purpose", "active")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "description", "channel", "purpose", "needs_legal_basis", "active")

    def get_queryset(self, request: HttpRequest) -> Any:
        subscribed = Q(subscriptions__status=Subscription.Status.SUBSCRIBED, subscriptions__contact__deleted_at=None)
        return super().get_queryset(request).annotate(number=Count("subscriptions", filter=subscribed))

    @admin.display(description=_("subscribers"), ordering="number")
    def number_of_subscribers(self, subscription_type: Any) -> int:
        return subscription_type.number

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A type somebody has said something about stays: its history is the proof of consents."""
        in_use = obj is not None and (
            obj.subscriptions.exists() or bool(using.users_of("subscription_type", obj.slug))
        )
        return super().has_delete_permission(request, obj) and not in_use

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions
