"""Ads audiences: who is in them, what the other side still has to be told, and what it said last."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from crm.audiences import keeping, sending
from crm.models import Audience, AudienceChange, AudienceMember, Contact
from crm.record_links import may, url_of
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from workflows.dependencies import using
from workflows.models import Delivery

State = Delivery.State
PER_PAGE = 50


class AudienceForm(forms.ModelForm):
    class Meta:
        model = Audience
        fields = ("name", "slug", "connection", "path", "type")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and not self.instance.pk and values.get("name"):
            values["slug"] = keeping.free_slug(values["name"])
        if "path" in values:
            try:
                sending.check_path(values.get("connection"), values["path"])
            except DocumentError as error:
                self.add_error("path", str(error.problems[0].message))
        return values


@admin.register(Audience)
class AudienceAdmin(admin.ModelAdmin):
    """Workflows fill audiences; here they are connected, watched, emptied."""

    form = AudienceForm
    change_form_template = "admin/crm/audience/page.html"
    list_display = ("name", "number_of_members", "waiting", "state", "connection", "synced_at")
    list_select_related = ("connection", "batch")
    search_fields = ("name", "slug")
    list_per_page = 50
    fields = ("name", "slug", "connection", "path", "type")

    def get_urls(self) -> list[URLPattern]:
        def guarded(view: Any) -> Any:
            return self.admin_site.admin_view(require_POST(view))

        return [
            path("<int:pk>/again/", guarded(self.again_view), name="crm_audience_again"),
            path("<int:pk>/empty/", guarded(self.empty_view), name="crm_audience_empty"),
            *super().get_urls(),
        ]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the counts of the page's audiences, looked up once."""
        page = super().get_changelist_instance(request)
        ids = [audience.pk for audience in page.result_list]
        members = counts(AudienceMember.objects.filter(audience__in=ids))
        waiting = waiting_of(ids)
        for audience in page.result_list:
            audience.members_count = members.get(audience.pk, 0)
            audience.waiting = waiting.get(audience.pk, (0, 0))
        return page

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may not see connections chooses none."""
        fixed = () if request.user.has_perm("workflows.view_connection") else ("connection", "path")
        return (*fixed, "slug") if obj else fixed

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One with members, or that workflows name, is emptied first: else nobody would tell the other side."""
        return super().has_delete_permission(request, obj) and (obj is None or not why_kept(obj, request.user))

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With how far the other side has been told, and the members, a page at a time."""
        found = self.get_object(request, object_id) if object_id else None
        extra = dict(extra_context or {})
        if found is not None:
            rows = AudienceMember.objects.filter(audience=found).order_by("-id")
            page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
            extra |= {
                "page": page, "members": members_of(list(page.object_list), request.user),
                "waiting": waiting_of([found.pk]).get(found.pk, (0, 0)), "status": status_of(found),
                "may_empty": self.has_change_permission(request, found), "kept": why_kept(found, request.user),
            }  # fmt: skip
        return super().changeform_view(request, object_id, form_url, extra)

    def chosen(self, request: HttpRequest, pk: int) -> Audience:
        found = get_object_or_404(Audience, pk=pk)
        if not self.has_change_permission(request, found):
            raise PermissionDenied
        return found

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send what was given up once more."""
        if sending.try_again(self.chosen(request, pk)):
            messages.success(request, _("It is sent again within a minute or two."))
        else:
            messages.info(request, _("There is nothing that was given up."))
        return redirect("admin:crm_audience_change", pk)

    def empty_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take everybody out, some thousand at a time."""
        count = keeping.empty(self.chosen(request, pk), now=database_now())
        told = ngettext("%(count)d member was taken out.", "%(count)d members were taken out.", count)
        messages.success(request, told % {"count": count})
        return redirect("admin:crm_audience_change", pk)

    @admin.display(description=gettext_lazy("members"))
    def number_of_members(self, audience: Any) -> str:
        return f"{audience.members_count:,}"

    @admin.display(description=gettext_lazy("waiting to be sent"))
    def waiting(self, audience: Any) -> str:
        added, removed = audience.waiting
        return f"+{added:,} −{removed:,}" if added or removed else "–"

    @admin.display(description=gettext_lazy("state"))
    def state(self, audience: Any) -> SafeString:
        status = status_of(audience)
        return format_html('<span class="chip chip-{}">{}</span>', status["tone"], status["word"])


def counts(rows: Any) -> dict[int, int]:
    return dict(rows.values_list("audience").annotate(n=Count("pk")).order_by())


def waiting_of(ids: list[int]) -> dict[int, tuple[int, int]]:
    """How many additions and removals the other side has not taken yet, by audience."""
    rows = AudienceChange.objects.filter(audience__in=ids).values("audience").order_by()
    add, remove = Count("pk", filter=Q(kind="add")), Count("pk", filter=Q(kind="remove"))
    return {row["audience"]: (row["a"], row["r"]) for row in rows.annotate(a=add, r=remove)}


def status_of(audience: Audience) -> dict[str, Any]:
    """How far the other side has been told: a word, its colour, and the last error."""
    batch = audience.batch
    if batch is not None and batch.state in sending.STOPPED:
        return {"word": _("Given up"), "tone": "danger", "error": batch.last_error, "stopped": True}
    if audience.connection_id is None:
        return {"word": _("Not connected"), "tone": "warn", "error": ""}
    if batch is not None and batch.state not in sending.ENDED:
        word = _("Is sent again") if batch.last_error else _("Being sent")
        return {"word": word, "tone": "info", "error": batch.last_error, "due": batch.due_at}
    return {"word": _("Up to date") if audience.synced_at else _("Nothing sent yet"), "tone": "muted", "error": ""}


def why_kept(audience: Audience, by: Any) -> str:
    """Why an audience cannot be deleted, as a sentence; "" where it can."""
    used = using.names_told("audience", audience.slug, by)
    if used:
        return _("It cannot be deleted while these workflows use it: %(names)s.") % {"names": ", ".join(used[:5])}
    if audience.members.exists() or audience.changes.exists():
        return _("It can be deleted once it is empty and everything was sent, so that nobody stays on the other side.")
    return ""


def members_of(rows: list[AudienceMember], user: Any) -> list[dict[str, Any]]:
    """The members of one page: who they are is for those who may see contacts."""
    kind = object_types["contact"]
    ids = [row.contact_id for row in rows]
    known = Contact.objects.in_bulk(ids) if may(user, "view", kind) else {}
    return [
        {
            "name": kind.name_of(known[row.contact_id]) if row.contact_id in known else f"#{row.contact_id}",
            "url": url_of(kind, row.contact_id) if row.contact_id in known else "",
            "email": bool(row.email), "phone": bool(row.phone), "at": row.added_at,
        }
        for row in rows
    ]  # fmt: skip
