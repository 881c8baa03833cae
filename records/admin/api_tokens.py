"""API tokens: one's own, shown once when made; revoked, never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from records.api import tokens
from records.clock import database_now
from records.models import ApiToken, Scope


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days until it expires"), min_value=1, max_value=tokens.LONGEST_DAYS,
        initial=tokens.DEFAULT_DAYS,
    )  # fmt: skip

    class Meta:
        model = ApiToken
        fields = ("name", "scopes")


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Everybody sees and revokes their own tokens; super admins those of everybody."""

    form = TokenForm
    list_display = ("__str__", "name", "user", "shown_scopes", "expires_at", "last_used_at", "state")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "public")
    fields = ("name", "scopes", "days")
    readonly = ("__str__", "name", "user", "shown_scopes", "created_at", "expires_at", "last_used_at", "state")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        found = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user=request.user)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.fields if obj is None else self.readonly

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return () if obj is None else self.readonly

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("records.view_apitoken") or request.user.has_perm("records.add_apitoken")

    @admin.display(description=gettext_lazy("scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return _("revoked")
        return _("expired") if token.expires_at <= database_now() else _("valid")

    def save_model(self, request: HttpRequest, obj: ApiToken, form: TokenForm, change: bool) -> None:
        """The new token is the form's object, so that Django logs it; its secret is kept for the answer only."""
        facts = form.cleaned_data
        made, secret = tokens.issue(
            request.user, facts["scopes"], now=database_now(), days=facts["days"], name=facts["name"]
        )
        obj.__dict__.update(made.__dict__)
        obj.secret = secret

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The one page that shows the secret: never cached, never kept."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Your new API token"),
            "opts": self.model._meta,
            "token": obj,
            "secret": obj.secret,
        }
        return never_cache(lambda page: TemplateResponse(page, "admin/records/apitoken/made.html", context))(request)

    @admin.action(description=gettext_lazy("Revoke the selected tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        count = tokens.revoke(queryset, database_now())
        told = ngettext("%(count)d token was revoked.", "%(count)d tokens were revoked.", count) % {"count": count}
        self.message_user(request, told, messages.SUCCESS)
