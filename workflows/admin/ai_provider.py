"""AI providers in the admin: who is asked, by which connection, and what of this month is used."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.problems import DocumentError
from workflows.admin.ai_draft_views import AIDraftViews
from workflows.admin.webhook_verbs import is_id
from workflows.ai import drafts, providers, quota
from workflows.models import AIProvider, Connection
from workflows.registries import actions
from workflows.step_forms.webhook_fields import VIEW

DRAFTS = gettext_lazy("Drafts of workflows")
CHANGELIST, PAGE = "admin:workflows_aiprovider_changelist", "admin:workflows_aiprovider_change"


class AIProviderForm(forms.Form):
    """What a provider is; its address and key are the connection's."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("What people choose it by in steps.")
    )
    kind = forms.ChoiceField(label=gettext_lazy("Speaks like"), choices=AIProvider.Kind.choices)
    connection = forms.ModelChoiceField(
        label=gettext_lazy("Connection"), queryset=Connection.objects.none(),
        help_text=gettext_lazy("Its address and its key. OpenAI takes a bearer token, Anthropic a key in x-api-key."),
    )  # fmt: skip
    path = forms.CharField(
        label=gettext_lazy("Path"), max_length=200, required=False,
        help_text=gettext_lazy("What its addresses begin with, /v1 mostly."),
    )  # fmt: skip
    model = forms.CharField(
        label=gettext_lazy("Model"), max_length=200, help_text=gettext_lazy("Its name, written as the provider does.")
    )
    structure = forms.ChoiceField(
        label=gettext_lazy("Asks for typed answers"), choices=AIProvider.Structure.choices,
        help_text=gettext_lazy("Servers of your own may know no schemas. Anthropic is always given one."),
    )  # fmt: skip
    longest = forms.IntegerField(
        label=gettext_lazy("Longest answer, in tokens"), min_value=1, max_value=providers.LONGEST,
        help_text=gettext_lazy("Longer ones fail, so that none costs more than you expect."),
    )  # fmt: skip
    searches = forms.BooleanField(
        label=gettext_lazy("It searches the web"), required=False,
        help_text=gettext_lazy("Only if model and account do: then “Research with AI” can be used, and costs more."),
    )  # fmt: skip
    is_default = forms.BooleanField(
        label=gettext_lazy("The default"), required=False,
        help_text=gettext_lazy("Asked by steps that name none, and for drafts of workflows."),
    )  # fmt: skip

    def offer(self, user: Any, provider: AIProvider | None) -> None:
        """Connections the person may see, and the one that is chosen."""
        rows = Connection.objects.order_by("name")
        if not user.has_perm(VIEW):
            rows = rows.filter(pk=provider.connection_id or 0) if provider else rows.none()
        field = self.fields["connection"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows


@admin.register(AIProvider)
class AIProviderAdmin(AIDraftViews, admin.ModelAdmin):
    list_display = ("name", "model", "kind", "connection", "searches", "is_default")
    list_select_related = ("connection",)
    search_fields = ("name", "model", "slug")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        return self.draft_urls(self.admin_site.admin_view) + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Above the list: what each action has used of its month, and what is left (AIA-06)."""
        now = database_now()
        uses, limit = quota.uses(now), quota.limit()
        rows = [
            (
                actions[slug].label if slug in actions else DRAFTS if slug == drafts.ACTION else slug,
                use,
                max(limit - use.executions, 0),
            )
            for slug, use in sorted(uses.items())
        ]
        context = {"uses": rows, "limit": limit, "month": quota.month_of(now)}
        page: HttpResponse = super().changelist_view(request, (extra_context or {}) | context)
        return page

    def found(self, request: HttpRequest, pk: str, verb: str = "view") -> AIProvider:
        found = self.get_queryset(request).select_related("connection").filter(pk=pk).first() if is_id(pk) else None
        if found is None:
            raise Http404(_("There is no such AI provider."))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/workflows/aiprovider/{template}", base | context)

    @csrf_protect_m
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.saved(request, None)

    @csrf_protect_m
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self.saved(request, self.found(request, object_id, "change" if request.method == "POST" else "view"))

    def saved(self, request: HttpRequest, provider: AIProvider | None) -> HttpResponse:
        """The page; with what was sent, saved or with its faults."""
        shown = provider or AIProvider()
        initial = {name: getattr(shown, name) for name in providers.FACTS if name != "connection"}
        initial["connection"] = shown.connection_id
        form = AIProviderForm(request.POST or None, initial=initial)
        form.offer(request.user, provider)
        if request.method == "POST" and form.is_valid():
            try:
                kept = providers.save(provider or AIProvider(), form.cleaned_data)
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            else:
                if provider is None:
                    self.log_addition(request, kept, _("Added."))
                else:
                    self.log_change(request, kept, _("Changed."))
                messages.success(request, _("Saved."))
                return redirect(PAGE, kept.pk)
        return self.page_of(request, provider, form)

    def page_of(self, request: HttpRequest, provider: AIProvider | None, form: AIProviderForm) -> HttpResponse:
        may_change = provider is None or self.has_change_permission(request, provider)
        for field in form.fields.values():
            field.disabled = not may_change
        context = {
            "title": provider.name if provider else _("Add an AI provider"), "provider": provider, "form": form,
            "may_change": may_change, "users": providers.users(provider, request.user) if provider else [],
            "may_delete": provider is not None and self.has_delete_permission(request, provider),
            "connections": Connection.objects.exists(),
        }  # fmt: skip
        return self.render(request, "page.html", context)

    @csrf_protect_m
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a provider that nothing uses; else say so."""
        provider = self.found(request, object_id, "delete")
        if request.method == "POST":
            try:
                with transaction.atomic():
                    self.log_deletions(request, AIProvider.objects.filter(pk=provider.pk))
                    providers.delete(provider, request.user)
            except DocumentError as error:
                for problem in error.problems:
                    messages.error(request, str(problem.message))
                return redirect(PAGE, provider.pk)
            messages.success(request, _("The AI provider “%(name)s” was deleted.") % {"name": provider.name})
            return redirect(CHANGELIST)
        title = _("Delete the AI provider “%(name)s”?") % {"name": provider.name}
        context = {"title": title, "provider": provider, "users": providers.users(provider, request.user)}
        return self.render(request, "delete.html", context)
