"""Connections in the admin: what they are; their secrets can be set and never read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.problems import DocumentError
from workflows.admin.webhook_verbs import is_id
from workflows.models import Connection
from workflows.outside import connecting

CHANGELIST, PAGE = "admin:workflows_connection_changelist", "admin:workflows_connection_change"


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
class ConnectionAdmin(admin.ModelAdmin):
    list_display = ("name", "origin", "auth", "shown_signs", "secret_set_at")
    search_fields = ("name", "origin", "slug")
    actions = None

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

    def found(self, request: HttpRequest, pk: str | int, verb: str = "view") -> Connection:
        """The connection, when the person may see (change, delete) it."""
        found = self.get_queryset(request).filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            raise Http404(_("There is no such connection."))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request) | {"opts": self.opts}
        response = TemplateResponse(request, f"admin/workflows/connection/{template}", base | context)
        response["Cache-Control"] = "no-store"
        return response

    def page_of(self, request: HttpRequest, connection: Connection | None, form: forms.Form, **more: Any) -> Any:
        may_change = connection is None or self.has_change_permission(request, connection)
        for field in form.fields.values():
            field.disabled = not may_change
        context = {
            "title": connection.name if connection else _("Add a connection"),
            "connection": connection, "form": form, "may_change": may_change,
            "may_delete": connection is not None and self.has_delete_permission(request, connection),
            "users": connecting.users(connection, request.user) if connection else [],
        }  # fmt: skip
        return self.render(request, "page.html", context | more)

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
        connection = self.found(request, object_id)
        if request.method == "POST":
            self.found(request, object_id, "change")
        return self.saved(request, connection)

    def saved(self, request: HttpRequest, connection: Connection | None) -> HttpResponse:
        """The page; with what was sent, saved or with its faults."""
        return sensitive_post_parameters("secret")(self.save)(request, connection)

    def save(self, request: HttpRequest, connection: Connection | None) -> HttpResponse:
        initial = (
            {name: getattr(connection, name) for name in connecting.FACTS if name != "secret"} if connection else {}
        )
        form = ConnectionForm(request.POST or None, initial=initial or {"limit_per": "second"})
        if request.method == "POST" and form.is_valid():
            try:
                if connection is None:
                    connection = connecting.create(form.cleaned_data, by=request.user, now=database_now())
                    self.log_addition(request, connection, _("Added."))
                else:
                    connecting.change(connection, form.cleaned_data, by=request.user, now=database_now())
                    self.log_change(request, connection, _("Changed."))
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
                connection = self.found(request, connection.pk) if connection and connection.pk else None
            else:
                messages.success(request, _("Saved."))
                return redirect(PAGE, connection.pk)
        return self.page_of(request, connection, form)

    def sign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sign requests with a new secret, and show it this once."""
        connection = self.found(request, pk, "change")
        secret = connecting.sign(connection, now=database_now())
        self.log_change(request, connection, _("Made a secret that requests are signed with."))
        initial = {name: getattr(connection, name) for name in connecting.FACTS if name != "secret"}
        return self.page_of(request, connection, ConnectionForm(initial=initial), signing_secret=secret)

    def unsign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = self.found(request, pk, "change")
        connecting.unsign(connection)
        self.log_change(request, connection, _("Signed requests no more."))
        messages.success(request, _("Requests are sent without a signature now."))
        return redirect(PAGE, connection.pk)

    @csrf_protect_m
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a connection that nothing uses; else say so."""
        connection = self.found(request, object_id, "delete")
        if request.method == "POST":
            try:
                with transaction.atomic():
                    # Written first, while there is something to name; nothing of it stays where deleting is refused.
                    self.log_deletions(request, Connection.objects.filter(pk=connection.pk))
                    connecting.delete(connection, request.user)
            except DocumentError as error:
                for problem in error.problems:
                    messages.error(request, str(problem.message))
                return redirect(PAGE, connection.pk)
            messages.success(request, _("The connection “%(name)s” was deleted.") % {"name": connection.name})
            return redirect(CHANGELIST)
        title = _("Delete the connection “%(name)s”?") % {"name": connection.name}
        context = {"title": title, "connection": connection, "users": connecting.users(connection, request.user)}
        return self.render(request, "delete.html", context)
