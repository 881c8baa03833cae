"""Connections in the admin: what they are; their secrets can be set and never read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from records.clock import database_now
from workflows.admin.used_by_steps import UsedByStepsAdmin
from workflows.models import Connection
from workflows.outside import connecting


class ConnectionForm(forms.Form):
    """What a connection is; the secret is only ever sent to the server."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("What it leads to: “Shop”, “ERP, test”.")
    )
    origin = forms.CharField(
        label=gettext_lazy("Address"), max_length=300,
        help_text=gettext_lazy("Like https://api.example.com. Its secret is sent there and nowhere else."),
    )  # fmt: skip
    auth = forms.ChoiceField(label=gettext_lazy("Signs in with"), choices=Connection.Auth.choices)
    auth_name = forms.CharField(
        label=gettext_lazy("Name of the header or parameter, or user name"), max_length=100, required=False,
        help_text=gettext_lazy("Like X-Api-Key, api_key, or headrace. A bearer token needs none."),
    )  # fmt: skip
    secret = forms.CharField(
        label=gettext_lazy("Token, key or password"), required=False, strip=True,
        max_length=connecting.SECRET_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Stored encrypted; nobody can read it again. Leave it empty to keep the one there is."),
    )  # fmt: skip
    limit_count = forms.IntegerField(
        label=gettext_lazy("Requests at most"), required=False, min_value=1, max_value=connecting.LIMIT_COUNT,
        help_text=gettext_lazy("As many as the other system takes; those beyond wait. Leave it empty for no limit."),
    )  # fmt: skip
    limit_per = forms.ChoiceField(label=gettext_lazy("in"), choices=Connection.Per.choices)


@admin.register(Connection)
class ConnectionAdmin(UsedByStepsAdmin):
    list_display = ("name", "origin", "auth", "shown_signs", "secret_set_at")
    search_fields = ("name", "origin", "slug")
    called = "connection"
    verbs = connecting
    none_such = gettext_lazy("There is no such connection.")
    add_title = gettext_lazy("Add a connection")
    delete_title = gettext_lazy("Delete the connection “%(name)s”?")
    deleted = gettext_lazy("The connection “%(name)s” was deleted.")

    @admin.display(description=gettext_lazy("signed"), boolean=True)
    def shown_signs(self, connection: Connection) -> bool:
        return connection.signs

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        return super().get_queryset(request).select_related("secret_set_by")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/sign/", wrap(require_POST(self.sign_view)), name="connection_sign"),
            path("<int:pk>/unsign/", wrap(require_POST(self.unsign_view)), name="connection_unsign"),
        ]
        return own + super().get_urls()

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        response = super().render(request, template, context)
        response["Cache-Control"] = "no-store"
        return response

    def saved(self, request: HttpRequest, thing: Any) -> HttpResponse:
        return sensitive_post_parameters("secret")(super().saved)(request, thing)

    def form_of(self, request: HttpRequest, connection: Connection | None) -> ConnectionForm:
        initial = facts_of(connection) if connection else {"limit_per": "second"}
        return ConnectionForm(request.POST or None, initial=initial)

    def keep(self, request: HttpRequest, connection: Connection | None, facts: dict[str, Any]) -> Connection:
        now = database_now()
        if connection is None:
            return connecting.create(facts, by=request.user, now=now)
        connecting.change(connection, facts, by=request.user, now=now)
        return connection

    def sign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sign requests with a new secret, and show it this once."""
        connection = self.found(request, pk, "change")
        secret = connecting.sign(connection, now=database_now())
        self.log_change(request, connection, _("Made a secret that requests are signed with."))
        form = ConnectionForm(initial=facts_of(connection))
        return self.page_of(request, connection, form, signing_secret=secret)

    def unsign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.found(request, pk, "change")
        connecting.unsign(connection)
        self.log_change(request, connection, _("Signed requests no more."))
        messages.success(request, _("Requests are sent without a signature now."))
        return self.to_page(connection)


def facts_of(connection: Connection) -> dict[str, Any]:
    """What a form shows of a connection: everything but its secret."""
    return {name: getattr(connection, name) for name in connecting.FACTS if name != "secret"}
