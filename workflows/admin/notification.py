"""Notifications: the bell, the page behind it, and marking as read. Everybody sees their own only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records.clock import database_now
from workflows.admin.reading import ReadOnlyAdmin
from workflows.discussion import mailing
from workflows.health import digesting
from workflows.models import MailWish, Notification

IN_BELL = 8
PER_PAGE = 50


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Own pages instead of the usual list: a notification belongs to one person, whatever their permissions."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.user_id == request.user.pk

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Asked by Django when a user is deleted, whose notifications go with them."""
        return bool(request.user.has_perm("workflows.delete_notification"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        return Notification.objects.filter(user=request.user.pk)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("bell/", wrap(self.bell_view), name="notification_bell"),
            path("read/", wrap(require_POST(self.read_all_view)), name="notification_read_all"),
            path("mail/", wrap(require_POST(self.mail_view)), name="notification_mail"),
            path("<int:pk>/open/", wrap(require_POST(self.open_view)), name="notification_open"),
        ]
        return own + super().get_urls()

    def bell_view(self, request: HttpRequest) -> HttpResponse:
        """The newest notifications, for the menu under the bell."""
        return TemplateResponse(request, "admin/workflows/notification/bell.html", self.shown(request, IN_BELL))

    def shown(self, request: HttpRequest, limit: int, before: int | None = None) -> dict[str, Any]:
        mine = self.get_queryset(request).order_by("-id")
        page = list((mine.filter(id__lt=before) if before else mine)[: limit + 1])
        more = page[limit - 1].pk if len(page) > limit else None
        return {"notifications": page[:limit], "more": more, "any_unread": mine.filter(read_at=None).exists()}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        before = request.GET.get("before", "")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Notifications"),
            "opts": self.opts,
            "wants_mail": mailing.wants_mail(request.user),
            "wish": digesting.wish_of(request.user),
            "wishes": MailWish.Workflows.choices,
            **self.shown(request, PER_PAGE, int(before) if before.isdecimal() else None),
        }
        return TemplateResponse(request, "admin/workflows/notification/list.html", context)

    def read_all_view(self, request: HttpRequest) -> HttpResponse:
        self.get_queryset(request).filter(read_at=None).update(read_at=database_now())
        return self.back(request)

    def mail_view(self, request: HttpRequest) -> HttpResponse:
        """Turn the mails about mentions on (POST `mentions`: on) or off, or (`workflows`) have others; for oneself."""
        if (how := request.POST.get("workflows")) is not None:
            return self.wish_workflows(request, how)
        wanted = request.POST.get("mentions") == "on"
        mailing.wish(request.user, mentions=wanted)
        told = _("You get an email when a comment mentions you.")
        messages.success(request, told if wanted else _("You get no emails about mentions any more."))
        return redirect("admin:workflows_notification_changelist")

    def wish_workflows(self, request: HttpRequest, how: str) -> HttpResponse:
        """How often one is written to about workflows; what is no such wish changes nothing."""
        if how in MailWish.Workflows.values:
            digesting.wish(request.user, how, database_now())
            label = MailWish.Workflows(how).label
            messages.success(request, _("Emails about workflows: %(how)s.") % {"how": label})
        return redirect("admin:workflows_notification_changelist")

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Mark one as read and go where it leads."""
        notification = get_object_or_404(self.get_queryset(request), pk=pk)
        if notification.read_at is None:
            notification.read_at = database_now()
            notification.save(update_fields=["read_at"])
        return redirect(notification.url) if inside(request, notification.url) else self.back(request)

    def back(self, request: HttpRequest) -> HttpResponse:
        target = request.headers.get("Referer", "")
        return redirect(target if inside(request, target) else "admin:workflows_notification_changelist")


def inside(request: HttpRequest, url: str) -> bool:
    """Whether a link stays on this site."""
    return bool(url) and url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
