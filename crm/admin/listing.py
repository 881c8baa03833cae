"""Adding records to a static list from their own list: a page that asks which, at once or in the background."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from crm.chores import ring
from records.clock import database_now
from records.ids import id_of
from records.journal import change_source
from records.lists import keeping, members, working
from records.models import ListWork, RecordList
from records.object_types import ObjectType
from records.problems import DocumentError

#: So many ids are sent from page to page at most.
MOST = 200_000
LISTS_SHOWN = 500


class ListingAdmin(admin.ModelAdmin):
    """What an admin of records needs to put them into lists."""

    object_type: Any
    page: Any

    @admin.action(description=gettext_lazy("Add to list…"), permissions=["list"])
    def add_to_list_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        title = ngettext("Add %(count)s record to a list", "Add %(count)s records to a list", len(ids))
        context = {
            "title": title % {"count": f"{min(len(ids), MOST):,}"},
            "ids": ",".join(map(str, ids[:MOST])),
            "too_many": len(ids) > MOST,
            "most": MOST,
            "lists": static_lists(self.object_type)[:LISTS_SHOWN],
            "may_add": request.user.has_perm("records.add_recordlist"),
            "prefix": f"admin:crm_{self.opts.model_name}",
        }
        return self.page(request, "admin/crm/add_to_list.html", context)

    def has_list_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("records.change_recordlist")

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view(require_POST(self.list_view)), self.opts.model_name
        return [path("add-to-list/", view, name=f"crm_{name}_add_to_list"), *super().get_urls()]

    def list_view(self, request: HttpRequest) -> HttpResponse:
        """Add the posted records to the chosen list, or to a new one."""
        if not (self.has_list_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        found = chosen(self.object_type, request)
        if found is None:
            messages.error(request, _("Choose a list, or name a new one."))
            return redirect(f"admin:crm_{self.opts.model_name}_changelist")
        perform(found, request)
        return redirect("admin:records_recordlist_change", found.pk)


def static_lists(object_type: ObjectType) -> QuerySet[RecordList]:
    return RecordList.objects.filter(object_type=object_type.slug, kind=RecordList.Kind.STATIC).order_by("name", "pk")


def chosen(object_type: ObjectType, request: HttpRequest) -> RecordList | None:
    """The list the person chose, or the new one of the name they gave; None for neither."""
    name, sent = request.POST.get("name", "").strip()[:120], request.POST.get("list", "")
    if id_of(sent) is not None and not name:
        return static_lists(object_type).filter(pk=id_of(sent) or 0).first()
    if not name:
        return None
    if not request.user.has_perm("records.add_recordlist"):
        raise PermissionDenied
    return keeping.create(object_type, name, now=database_now(), by=request.user)


def perform(found: RecordList, request: HttpRequest) -> None:
    """Add the posted records: a few at once, thousands in the background."""
    named = request.POST.get("records", "").split(",")
    ids = [pk for pk in map(id_of, named) if pk is not None][:MOST]
    now = database_now()
    if len(ids) > working.AT_A_TIME:
        working.start(found, ListWork.Kind.ADD, now=now, record_ids=ids, by=request.user)
        ring()
        told = _("%(count)s records are being added in the background. Reload this page to see how far it has come.")
        messages.success(request, told % {"count": f"{len(ids):,}"})
        return
    try:
        with change_source("admin", actor=request.user):
            count = len(members.add(found, ids, now=now).ids)
    except DocumentError as error:
        messages.error(request, str(error.problems[0].message))
        return
    told = ngettext("%(count)d record was added.", "%(count)d records were added.", count)
    messages.success(request, told % {"count": count})
