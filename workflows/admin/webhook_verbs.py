"""What can be done on a webhook's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from records.clock import database_now
from records.problems import DocumentError
from workflows import drafting
from workflows.admin import webhook_log
from workflows.admin.webhook_forms import NEW, MappingForm, MatchForm
from workflows.models import Webhook
from workflows.webhooks import keeping, mapping, using


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


class WebhookVerbs:
    """Mixed into the webhook's admin."""

    found: Callable[..., Webhook]
    render: Callable[..., HttpResponse]
    shown: Callable[..., HttpResponse]
    page: Callable[..., HttpResponse]
    workflow: Callable[..., Any]
    complain: Callable[..., None]
    log_change: Callable[..., Any]

    def listen_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the next request as the test payload (WBH-06)."""
        webhook = self.found(request, pk, "change")
        mapping.listen(webhook)
        return self.page(request, webhook)

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        webhook = self.found(request, pk, "change")
        keeping.rotate(webhook)
        self.log_change(request, webhook, _("Gave it another address."))
        messages.success(request, _("The webhook has another address now. Paste it into the sending app."))
        return self.page(request, webhook)

    def sign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for signatures with a new secret, and show it this once."""
        webhook = self.found(request, pk, "change")
        secret = keeping.demand_signature(webhook)
        self.log_change(request, webhook, _("Made a secret that requests are signed with."))
        response = self.shown(request, webhook, secret=secret)
        response["Cache-Control"] = "no-store"
        return response

    def unsign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        webhook = self.found(request, pk, "change")
        keeping.take_unsigned(webhook)
        self.log_change(request, webhook, _("Asked for no signature any more."))
        messages.success(request, _("Requests are taken without a signature now."))
        return self.page(request, webhook)

    def mapping_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Labels, types and which values are left out (WBH-08 to WBH-10)."""
        webhook = self.found(request, pk, "change")
        if request.method != "POST":
            return self.page(request, webhook)
        form = MappingForm(request.POST, webhook, webhook.sample)
        if form.is_valid():
            try:
                mapping.change(webhook, form.changes())
            except DocumentError as error:
                self.complain(request, error)
            else:
                messages.success(request, _("Saved."))
                return self.page(request, webhook)
        return self.shown(request, webhook, mapping_form=form)

    def matching_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What names the record (WBH-11), also by a property made for it (WBH-12)."""
        webhook = self.found(request, pk, "change")
        if request.method != "POST":
            return self.page(request, webhook)
        may_define = request.user.has_perm("records.add_propertydefinition")
        form = MatchForm(request.POST, webhook, may_define)
        if form.is_valid():
            facts = form.cleaned_data
            try:
                with transaction.atomic():
                    slug = facts["property"]
                    if slug == NEW:
                        slug = keeping.create_naming_property(webhook, facts["new_label"], facts["new_type"]).slug
                    keeping.match_by(webhook, facts["path"], slug)
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            else:
                self.log_change(request, webhook, _("Changed what it is matched by."))
                messages.success(request, _("Saved."))
                return self.page(request, webhook)
        return self.shown(request, webhook, match_form=form)

    def use_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make it the trigger of the workflow a person came from, or of a new one (WBH-13)."""
        webhook, workflow = self.found(request, pk), self.workflow(request)
        if workflow is None and not request.user.has_perm("workflows.add_workflow"):
            raise PermissionDenied
        try:
            if workflow is None:
                workflow = using.begin(webhook, by=request.user)
            else:
                using.use(webhook, workflow, by=request.user, now=database_now())
        except DocumentError as error:
            self.complain(request, error)
            return self.page(request, webhook)
        except drafting.Conflict as conflict:
            messages.error(request, conflict.sentence)
            return self.page(request, webhook)
        return redirect(f"{reverse('admin:workflow_editor', args=[workflow.pk])}?step=trigger")

    def waiting_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asked for while the page waits for the test payload: loads it anew once it is there."""
        if self.found(request, pk).listening:
            return HttpResponse(status=204)
        return HttpResponse(headers={"HX-Refresh": "true"})

    def latest_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The newest requests: a part of the page, asked for again and again."""
        webhook = self.found(request, pk)
        context = {"webhook": webhook, "lines": webhook_log.latest(webhook, request.user)}
        return TemplateResponse(request, "admin/workflows/webhook/lines.html", context)

    def requests_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All requests the log has, a page at a time."""
        webhook = self.found(request, pk)
        page = webhook_log.page_of(webhook, request.GET.get("page", ""), request.user)
        title = _("Requests of “%(name)s”") % {"name": webhook.name}
        return self.render(request, "requests.html", {"title": title, "webhook": webhook, "page": page})
