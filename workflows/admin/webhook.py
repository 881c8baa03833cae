"""Webhooks in the admin: make one, receive its test payload, map and match it, and use it as a trigger."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from records.object_types import object_types
from records.problems import DocumentError
from records.sealing import Unreadable
from workflows.admin import webhook_log
from workflows.admin.webhook_forms import MappingForm, MatchForm, NameForm, NewForm
from workflows.admin.webhook_verbs import WebhookVerbs, is_id
from workflows.models import Webhook, WebhookRequest, Workflow
from workflows.webhooks import keeping, using

CHANGELIST, PAGE = "admin:workflows_webhook_changelist", "admin:workflows_webhook_change"


@admin.register(Webhook)
class WebhookAdmin(WebhookVerbs, admin.ModelAdmin):
    list_display = ("name", "shown_object_type", "shown_state", "shown_signed", "shown_last")
    search_fields = ("name", "slug")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        newest = WebhookRequest.objects.filter(webhook=OuterRef("pk")).order_by("-pk").values("received_at")[:1]
        return super().get_queryset(request).annotate(last=Subquery(newest))

    @admin.display(description=gettext_lazy("records"), ordering="object_type")
    def shown_object_type(self, webhook: Webhook) -> str:
        found = object_types.get(webhook.object_type)
        return capfirst(str(found.label_plural)) if found else webhook.object_type

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, webhook: Webhook) -> str:
        if keeping.is_matched(webhook, object_types.get(webhook.object_type)):
            return _("Ready")
        return _("Waits for its test payload") if webhook.sampled_at is None else _("To be matched")

    @admin.display(description=gettext_lazy("signed"), boolean=True)
    def shown_signed(self, webhook: Webhook) -> bool:
        return webhook.signed

    @admin.display(description=gettext_lazy("last request"), ordering="last")
    def shown_last(self, webhook: Any) -> Any:
        return webhook.last

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        verbs = ("listen", "rotate", "sign", "unsign", "use")
        own = [
            path(f"<int:pk>/{name}/", wrap(require_POST(getattr(self, f"{name}_view"))), name=f"webhook_{name}")
            for name in verbs
        ]
        shown = [
            path(f"<int:pk>/{name}/", wrap(getattr(self, f"{name}_view")), name=f"webhook_{name}")
            for name in ("mapping", "matching", "waiting", "latest", "requests")
        ]
        return own + shown + super().get_urls()

    def render(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        base = self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/workflows/webhook/{template}", base | context, status=status)

    def found(self, request: HttpRequest, pk: str | int, verb: str = "view") -> Webhook:
        """The webhook, when the person may see (change, delete) it."""
        found = Webhook.objects.filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None or found.object_type not in object_types:
            raise Http404(_("There is no such webhook."))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def complain(self, request: HttpRequest, error: DocumentError) -> None:
        for problem in error.problems:
            messages.error(request, str(problem.message))

    def page(self, request: HttpRequest, webhook: Webhook) -> HttpResponse:
        """Back to the webhook, with the workflow a person came from."""
        workflow = self.workflow(request)
        query = f"?workflow={workflow.pk}" if workflow else ""
        return redirect(f"{reverse(PAGE, args=[webhook.pk])}{query}")

    def workflow(self, request: HttpRequest) -> Workflow | None:
        """The workflow a person came from, if they may change it."""
        pk = request.GET.get("workflow") or request.POST.get("workflow") or ""
        if not is_id(pk) or not request.user.has_perm("workflows.change_workflow"):
            return None
        return Workflow.objects.filter(pk=pk, deleted_at=None).first()

    @csrf_protect_m
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Name it and say what its requests are about; the address comes with it (WBH-03)."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        workflow = self.workflow(request)
        initial = {"object_type": workflow.object_type if workflow else request.GET.get("object_type", "contact")}
        form = NewForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            try:
                webhook = keeping.create(facts["name"], facts["object_type"], by=request.user)
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            else:
                self.log_addition(request, webhook, _("Added."))
                return self.page(request, webhook)
        context = {"title": _("Add a webhook"), "form": form, "workflow": workflow, "limit": keeping.limit()}
        return self.render(request, "add.html", context)

    @csrf_protect_m
    @method_decorator(never_cache)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Everything about the webhook; POST names it."""
        webhook = self.found(request, unquote(object_id))
        form = NameForm(request.POST or None, initial={"name": webhook.name})
        if request.method == "POST":
            self.found(request, webhook.pk, "change")
            if form.is_valid():
                keeping.rename(webhook, form.cleaned_data["name"])
                messages.success(request, _("Saved."))
                return self.page(request, webhook)
        return self.shown(request, webhook, name_form=form)

    def shown(self, request: HttpRequest, webhook: Webhook, *, secret: str = "", **forms: Any) -> HttpResponse:
        """The page; with `secret` the one time it can be read. Forms that were sent with faults are shown again."""
        may_change = self.has_change_permission(request, webhook)
        may_define = request.user.has_perm("records.add_propertydefinition")
        kind, sample = object_types[webhook.object_type], keeping.sample_for(webhook, request.user)
        context = {
            "title": webhook.name,
            "webhook": webhook,
            "kind": kind,
            "address": address_of(request, webhook) if may_change else "",
            "secret": secret,
            "payload": "" if sample is None else json.dumps(sample, indent=2, ensure_ascii=False)[: webhook_log.SHOWN],
            "token": "{{ event.order_total }}",
            "may_change": may_change,
            "may_delete": self.has_delete_permission(request, webhook),
            "may_begin": request.user.has_perm("workflows.add_workflow"),
            "ready": keeping.is_matched(webhook, kind),
            "used": keeping.is_used(webhook),
            "workflow": (workflow := self.workflow(request)),
            "replaced": using.replaced(workflow) if workflow else "",
            "name_form": NameForm(initial={"name": webhook.name}),
            "mapping_form": MappingForm(None, webhook, sample, disabled=not may_change),
            "match_form": MatchForm(None, webhook, may_define, disabled=not may_change),
            "lines": webhook_log.latest(webhook, request.user),
            **forms,
        }
        return self.render(request, "page.html", context)

    @csrf_protect_m
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a webhook that nothing uses; else say so."""
        webhook = self.found(request, unquote(object_id), "delete")
        if request.method == "POST":
            try:
                self.log_deletions(request, Webhook.objects.filter(pk=webhook.pk))
                keeping.delete(webhook)
            except DocumentError as error:
                self.complain(request, error)
                return self.page(request, webhook)
            messages.success(request, _("The webhook “%(name)s” was deleted.") % {"name": webhook.name})
            return redirect(CHANGELIST)
        title = _("Delete the webhook “%(name)s”?") % {"name": webhook.name}
        return self.render(
            request, "delete.html", {"title": title, "webhook": webhook, "used": keeping.is_used(webhook)}
        )


def address_of(request: HttpRequest, webhook: Webhook) -> str:
    """The whole address; "" when the key that sealed it is gone: rotating gives another."""
    try:
        return request.build_absolute_uri(reverse("webhook", args=[keeping.token_of(webhook)]) + "/")
    except Unreadable:
        return ""
