"""AI providers in the admin: who is asked, by which connection, and what of this month is used."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy

from records.clock import database_now
from workflows.admin.ai_draft_views import AIDraftViews
from workflows.admin.used_by_steps import UsedByStepsAdmin
from workflows.ai import drafts, providers, quota
from workflows.models import AIProvider, Connection
from workflows.registries import actions
from workflows.step_forms.webhook_fields import VIEW

DRAFTS = gettext_lazy("Drafts of workflows")


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
class AIProviderAdmin(AIDraftViews, UsedByStepsAdmin):
    list_display = ("name", "model", "kind", "connection", "searches", "is_default")
    list_select_related = ("connection",)
    search_fields = ("name", "model", "slug")
    called = "provider"
    verbs = providers
    none_such = gettext_lazy("There is no such AI provider.")
    add_title = gettext_lazy("Add an AI provider")
    delete_title = gettext_lazy("Delete the AI provider “%(name)s”?")
    deleted = gettext_lazy("The AI provider “%(name)s” was deleted.")

    def get_urls(self) -> list[URLPattern]:
        return self.draft_urls(self.admin_site.admin_view) + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[AIProvider]:
        return super().get_queryset(request).select_related("connection")

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

    def form_of(self, request: HttpRequest, provider: AIProvider | None) -> AIProviderForm:
        shown = provider or AIProvider()
        initial = {name: getattr(shown, name) for name in providers.FACTS if name != "connection"}
        form = AIProviderForm(request.POST or None, initial=initial | {"connection": shown.connection_id})
        form.offer(request.user, provider)
        return form

    def keep(self, request: HttpRequest, provider: AIProvider | None, facts: dict[str, Any]) -> AIProvider:
        return providers.save(provider or AIProvider(), facts)

    def page_of(self, request: HttpRequest, thing: Any, form: forms.Form, **more: Any) -> HttpResponse:
        return super().page_of(request, thing, form, connections=Connection.objects.exists(), **more)
