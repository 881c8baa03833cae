"""Deliveries: what waits to leave the house, what failed, and the three ways to deal with it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from records.clock import database_now
from workflows.admin.reading import ReadOnlyAdmin
from workflows.engine import limits
from workflows.models import Delivery
from workflows.outbox import resending
from workflows.rights.opening import of_known_workflows
from workflows.times.moments import shown_moment

State = Delivery.State
COLOURS = {
    State.DONE: "ok",
    State.PENDING: "info",
    State.SENDING: "info",
    State.UNCERTAIN: "warn",
    State.DEAD: "danger",
}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("what", "state_chip", "attempts", "last_error", "enrollment", "created_at", "done_at")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("key", "last_error")
    actions = ("retry", "skip", "mark_sent")
    ordering = ("-id",)
    show_full_result_count = False
    fields = ("key", "kind", "state", "attempts", "last_error", "due_at", "created_at", "done_at", "request")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return of_known_workflows(super().get_queryset(request), request.user)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Above the list: which kinds are kept back by their limit, and until when."""
        now = database_now()
        kinds = getattr(settings, "WORKFLOW_DELIVERY_LIMITS", {})
        held = limits.throttled([f"{limits.DELIVERY}{kind}" for kind in kinds], now) if kinds else {}
        for scope, until in held.items():
            kind = scope.removeprefix(limits.DELIVERY)
            facts = {"kind": kind, "limit": kinds[kind], "until": shown_moment(until.isoformat())}
            sentence = _("Deliveries of the kind “%(kind)s” are limited to %(limit)s: the next leaves on %(until)s.")
            messages.warning(request, sentence % facts)
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("workflows.change_delivery"))

    @admin.display(description=_("delivery"))
    def what(self, delivery: Delivery) -> str:
        request = delivery.request if isinstance(delivery.request, dict) else {}
        to = request.get("to") or request.get("url") or delivery.key
        return f"{delivery.kind}: {', '.join(to) if isinstance(to, list) else to}"

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, delivery: Delivery) -> SafeString:
        colour = COLOURS.get(State(delivery.state), "muted")
        return format_html('<span class="chip chip-{}">{}</span>', colour, delivery.get_state_display())

    @admin.display(description=_("enrollment"))
    def enrollment(self, delivery: Delivery) -> SafeString | str:
        if not delivery.enrollment_id:
            return "–"
        url = reverse("admin:workflows_enrollment_change", args=[delivery.enrollment_id])
        return format_html('<a href="{}">#{}</a>', url, delivery.enrollment_id)

    @admin.action(description=_("Send again now"), permissions=["repair"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Only what was given up or is uncertain; what is on its way keeps its turn."""
        wanted = resending.stopped(queryset).count()
        count = resending.send_again(queryset, by=request.user, now=database_now())
        if left := wanted - count:
            sentence = ngettext(
                "%d delivery was not sent again. Its last error says why.",
                "%d deliveries were not sent again. Their last errors say why.",
                left,
            )
            messages.warning(request, sentence % left)
        self.told(request, ngettext("%d delivery is sent again.", "%d deliveries are sent again.", count) % count)

    @admin.action(description=_("Skip"), permissions=["repair"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = resending.skip(queryset, by=request.user, now=database_now())
        self.told(request, ngettext("%d delivery was skipped.", "%d deliveries were skipped.", count) % count)

    @admin.action(description=_("Mark as sent"), permissions=["repair"])
    def mark_sent(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = resending.mark_sent(queryset, by=request.user, now=database_now())
        self.told(
            request, ngettext("%d delivery is marked as sent.", "%d deliveries are marked as sent.", count) % count
        )

    def told(self, request: HttpRequest, sentence: str) -> None:
        self.message_user(request, sentence, messages.SUCCESS)
