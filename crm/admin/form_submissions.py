"""What was sent with forms: listed, filtered, looked at, exported."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db.models import F, Func, JSONField, QuerySet, TextField, Value
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from crm.admin.paging import FirstPagePaginator
from crm.forms.exporting import submission_file
from crm.models import FormSubmission, SubscriptionType
from crm.record_links import url_of
from records.object_types import object_types
from records.property_access import rights_of

SHOWN = 3


@admin.register(FormSubmission)
class FormSubmissionAdmin(admin.ModelAdmin):
    """Nobody changes what was sent; it is about contacts, so it is for those who may see them."""

    change_list_template = "admin/crm/form/submissions.html"
    list_display = ("submitted_at", "person", "form", "answers", "page")
    list_display_links = ("submitted_at",)
    list_filter = ("form", "submitted_at")
    list_select_related = ("form", "contact")
    search_fields = ("contact__email", "page")
    fields = ("form", "submitted_at", "person", "page", "all_answers", "all_consents")
    readonly_fields = fields
    paginator = FirstPagePaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm("crm.view_contact")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.export_view))
        return [path("export.csv", view, name="crm_formsubmission_export"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FormSubmission]:
        """With the answers the person may see, as `seen`."""
        hidden = rights_of(request.user).hidden
        names = Value(hidden, ArrayField(TextField()))
        seen = Func(F("values"), names, template="(%(expressions)s)", arg_joiner=" - ", output_field=JSONField())
        return super().get_queryset(request).annotate(seen=seen if hidden else F("values"))

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered; the mark at its beginning lets spreadsheets see that it is UTF-8."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            # A filter there is not: the list says so, as Django's own does.
            return redirect(f"{reverse('admin:crm_formsubmission_changelist')}?{ERROR_FLAG}=1")
        response = StreamingHttpResponse(
            chain("\ufeff", submission_file(found, rights_of(request.user).hidden)),
            content_type="text/csv; charset=utf-8",
        )
        response["Content-Disposition"] = 'attachment; filename="form-submissions.csv"'
        return response

    @admin.display(description=_("contact"), ordering="contact__email")
    def person(self, submission: FormSubmission) -> SafeString:
        contact = submission.contact
        url = url_of(object_types["contact"], contact.pk) if contact.deleted_at is None else ""
        name = f"{contact} <{contact.email}>" if contact.email and str(contact) != contact.email else str(contact)
        return format_html('<a href="{}">{}</a>', url, name) if url else format_html("{}", name)

    @admin.display(description=_("answers"))
    def answers(self, submission: Any) -> str:
        told = [f"{one['label']}: {one['text']}" for one in submission.seen.values()]
        more = f" (+{len(told) - SHOWN})" if len(told) > SHOWN else ""
        return "; ".join(told[:SHOWN])[:200] + more

    @admin.display(description=_("answers"))
    def all_answers(self, submission: Any) -> SafeString:
        note = _("%(answer)s (not kept in the record: another one has this value)")
        told = [
            (one["label"], note % {"answer": one["text"]} if one.get("taken") else one["text"])
            for one in submission.seen.values()
        ]
        return listed(told)

    @admin.display(description=_("consents"))
    def all_consents(self, submission: FormSubmission) -> SafeString | str:
        names = dict(SubscriptionType.objects.values_list("slug", "name"))
        return listed((names.get(slug, slug), text) for slug, text in submission.consents.items())


def listed(lines: Any) -> SafeString:
    items = format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines)
    return format_html('<dl class="facts">{}</dl>', items) if items else SafeString("–")
