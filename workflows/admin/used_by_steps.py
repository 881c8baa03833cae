"""Pages of what steps use by name: a form that a verb keeps, and a deletion that is refused while anything uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from records.problems import DocumentError
from workflows.admin.webhook_verbs import is_id


class Verbs(Protocol):
    """The module that says who uses a thing, and deletes it."""

    def users(self, thing: Any, by: Any, /) -> Sequence[Any]:
        """As a person may hear of them."""
        ...

    def delete(self, thing: Any, by: Any, /) -> None:
        """Raises DocumentError when something uses it."""


class UsedByStepsAdmin(admin.ModelAdmin):
    """The admin of one such model; its templates are `page.html` and `delete.html` in the folder of the model.

    A subclass says how templates call the thing, gives the form for it, and keeps what the form holds.
    """

    actions = None
    called: str
    verbs: Verbs
    #: Whole sentences; the last two with %(name)s.
    none_such: str | Promise
    add_title: str | Promise
    delete_title: str | Promise
    deleted: str | Promise
    #: The form with what was sent, and with what the thing has; the thing is None for a new one.
    form_of: Callable[[HttpRequest, Any], forms.Form]
    #: Makes or changes the thing, and returns it. Raises DocumentError.
    keep: Callable[[HttpRequest, Any, dict[str, Any]], Any]

    def found(self, request: HttpRequest, pk: str | int, verb: str = "view") -> Any:
        """The thing, when the person may see (change, delete) it."""
        found = self.get_queryset(request).filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            raise Http404(str(self.none_such))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/workflows/{self.opts.model_name}/{template}", base | context)

    def page_of(self, request: HttpRequest, thing: Any, form: forms.Form, **more: Any) -> HttpResponse:
        may_change = thing is None or self.has_change_permission(request, thing)
        for field in form.fields.values():
            field.disabled = not may_change
        context = {
            "title": thing.name if thing else self.add_title, self.called: thing, "form": form,
            "may_change": may_change, "may_delete": thing is not None and self.has_delete_permission(request, thing),
            "users": self.verbs.users(thing, request.user) if thing else [],
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
        return self.saved(request, self.found(request, object_id, "change" if request.method == "POST" else "view"))

    def saved(self, request: HttpRequest, thing: Any) -> HttpResponse:
        """The page; with what was sent, saved or with its faults."""
        form = self.form_of(request, thing)
        if request.method != "POST" or not form.is_valid():
            return self.page_of(request, thing, form)
        try:
            kept = self.keep(request, thing, form.cleaned_data)
        except DocumentError as error:
            for problem in error.problems:
                form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            # As it is, without what could not be kept.
            return self.page_of(request, self.found(request, thing.pk) if thing else None, form)
        if thing is None:
            self.log_addition(request, kept, _("Added."))
        else:
            self.log_change(request, kept, _("Changed."))
        messages.success(request, _("Saved."))
        return self.to_page(kept)

    def to_page(self, thing: Any) -> HttpResponse:
        return redirect(f"admin:workflows_{self.opts.model_name}_change", thing.pk)

    @csrf_protect_m
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete what nothing uses; else say so."""
        thing = self.found(request, object_id, "delete")
        if request.method == "POST":
            try:
                with transaction.atomic():
                    self.log_deletions(request, self.model._default_manager.filter(pk=thing.pk))
                    self.verbs.delete(thing, request.user)
            except DocumentError as error:
                for problem in error.problems:
                    messages.error(request, str(problem.message))
                return self.to_page(thing)
            messages.success(request, str(self.deleted) % {"name": thing.name})
            return redirect(f"admin:workflows_{self.opts.model_name}_changelist")
        title = str(self.delete_title) % {"name": thing.name}
        return self.render(
            request,
            "delete.html",
            {"title": title, self.called: thing, "users": self.verbs.users(thing, request.user)},
        )
