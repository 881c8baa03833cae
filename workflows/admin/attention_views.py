"""The pages about what needs attention, and the one that asks before stopped records go on."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.problems import DocumentError
from workflows.admin.attention import VERBS, Attention, Decision, rows_of
from workflows.admin.issue_list import SPANS, Issues
from workflows.admin.reading import ReadOnlyAdmin
from workflows.definitions.checking import PUBLISH
from workflows.enrollment import reviving

#: Groups the question names at most.
PLACES = 20


class AttentionViews(ReadOnlyAdmin):
    """Mixed into the admin of enrollments."""

    admin_site: admin.AdminSite

    def attention_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("attention/", wrap(self.attention_view), name="enrollment_attention"),
            path("revive/", wrap(require_POST(self.revive_view)), name="enrollment_revive"),
        ]

    def attention_view(self, request: HttpRequest) -> HttpResponse:
        """What stopped: in groups, or the records of one group."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        attention, found = Attention(request.GET, request.user), Issues(request.GET, database_now(), request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Needs attention"),
            "opts": self.opts,
            "attention": attention,
            "rows": attention.rows(),
            "records": attention.records() if attention.opened else [],
            "deliveries": attention.deliveries() if request.user.has_perm("workflows.view_delivery") else [],
            "may_revive": request.user.has_perm(PUBLISH),
            "issues": found,
            # An opened group is shown without the issues.
            "decidable": set() if attention.opened else found.changeable(),
            "spans": SPANS,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/attention.html", context)

    def revive_view(self, request: HttpRequest) -> HttpResponse:
        """Ask, saying exactly what and how many; then let the chosen records go on."""
        if not request.user.has_perm(PUBLISH):
            raise PermissionDenied
        decision, back = Decision(request.POST, request.user), request.POST.get("back", "")
        if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
            back = reverse("admin:enrollment_attention")
        if not decision.known or not decision.enrollments.exists():
            messages.warning(request, _("Nothing was chosen, so nothing was changed. Tick the records first."))
            return redirect(back)
        try:
            if request.POST.get("confirmed"):
                sentence, refused = decision.act(request.user, database_now())
                messages.success(request, " ".join([sentence, *refused]))
                return redirect(back)
            preview = decision.preview()
        except DocumentError as error:
            messages.error(request, error.problems[0].message)
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": VERBS[decision.verb],
            "opts": self.opts,
            "decision": decision,
            "preview": preview,
            "places": rows_of(list(reviving.groups(decision.enrollments, PLACES))),
            "steps": decision.steps() if preview["gone"] else [],
            "back": back,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/revive.html", context)
