"""Lists in the admin: find them, say who is in them, see their members, clone, convert and delete them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, IntegerField, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from records.admin.list_forms import ActiveForm, KindForm, StaticForm
from records.admin.list_pages import page_of
from records.clock import database_now
from records.ids import id_of
from records.journal import change_source
from records.lists import keeping, members, working
from records.lists.using import users_of
from records.models import Membership, RecordList
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.seeing import closed_lists, may_see

CHANGELIST, PAGE = "admin:records_recordlist_changelist", "admin:records_recordlist_change"
WORK_SHOWN = 5


def is_id(text: str) -> bool:
    return id_of(text) is not None


class CountedLists(ChangeList):
    """The list of lists; only here the members of each are counted: one page of lists does not need all counts."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[RecordList]:
        self.root_queryset = self.root_queryset.annotate(number=members_counted())
        return super().get_queryset(request, exclude_parameters)


def members_counted() -> Case:
    """How many members a list has; deleted records count nowhere."""
    return Case(
        *(When(object_type=slug, then=Coalesce(living(kind), 0)) for slug, kind in object_types.items()),
        default=0,
        output_field=IntegerField(),
    )


def living(kind: ObjectType) -> Subquery:
    found = Membership.objects.filter(segment=OuterRef("segment"), record_id__in=kind.records().values("pk"))
    return Subquery(found.order_by().values("segment").annotate(number=Count("pk")).values("number"))


@admin.register(RecordList)
class RecordListAdmin(admin.ModelAdmin):
    """Lists of the records one may see, but active ones that look at a property one has no access to (PRM-09)."""

    list_display = ("name", "shown_object_type", "kind", "shown_members", "updated_at")
    list_filter = ("kind",)
    search_fields = ("name", "slug", "description")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecordList]:
        visible = [one.slug for one in object_types.values() if may_see(request.user, one)]
        found = super().get_queryset(request).filter(object_type__in=visible).select_related("segment")
        return found.exclude(slug__in=closed_lists(request.user))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedLists

    @admin.display(description=gettext_lazy("records"), ordering="object_type")
    def shown_object_type(self, found: RecordList) -> str:
        return capfirst(str(object_types[found.object_type].label_plural))

    @admin.display(description=gettext_lazy("members"), ordering="number")
    def shown_members(self, found: Any) -> str:
        return f"{found.number:,}"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"records_recordlist_{name}")
            for name, view in (
                ("remove", self.remove_view),
                ("clone", self.clone_view),
                ("convert", self.convert_view),
            )
        ]
        return own + super().get_urls()

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/records/recordlist/{template}", base | context)

    def found(self, request: HttpRequest, pk: str | int, verb: str = "view") -> RecordList:
        """The list, when the person may see (change, delete) it."""
        found = self.get_queryset(request).filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            raise Http404(_("There is no such list."))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def complain(self, request: HttpRequest, error: DocumentError) -> None:
        for problem in error.problems:
            messages.error(request, str(problem.message))

    @csrf_protect_m
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Choose the kind and whose list it is; then name it and, of an active one, say who is in it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        chosen = KindForm(request.GET if "kind" in request.GET else None, user=request.user)
        if not chosen.is_valid():
            return self.render(request, "kind.html", {"title": _("Add a list"), "form": chosen})
        object_type = object_types[chosen.cleaned_data["object_type"]]
        active = chosen.cleaned_data["kind"] == RecordList.Kind.ACTIVE
        chosen_form = ActiveForm if active else StaticForm
        form = chosen_form(request.POST or None, object_type=object_type, user=request.user)
        if request.method == "POST" and form.is_valid():
            made = form.create(by=request.user, now=database_now())
            if made is not None:
                messages.success(request, _("The list “%(name)s” was made.") % {"name": made.name})
                return redirect(PAGE, made.pk)
        title = _("Add a list of %(records)s") % {"records": object_type.label_plural}
        context = {"title": title, "form": form, "active": active, "media": self.media + form.media}
        return self.render(request, "add.html", context)

    @csrf_protect_m
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the list is, and its members."""
        found = self.found(request, unquote(object_id))
        may_change = self.has_change_permission(request, found)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        object_type = object_types[found.object_type]
        kind = ActiveForm if found.is_active else StaticForm
        form = kind(request.POST or None, object_type=object_type, found=found, user=request.user)
        if request.method == "POST" and form.is_valid() and form.change(found, now=database_now()) is not None:
            messages.success(request, _("Saved."))
            return redirect(PAGE, found.pk)
        return self.render(request, "page.html", self.facts(request, found, object_type, form, may_change))

    def facts(
        self, request: HttpRequest, found: RecordList, object_type: ObjectType, form: Any, may_change: bool
    ) -> dict[str, Any]:
        return {
            "title": found.name,
            "found": found,
            "form": form,
            "object_type": object_type,
            "may_change": may_change,
            "may_delete": self.has_delete_permission(request, found),
            "may_add": self.has_add_permission(request),
            "page": page_of(found, object_type, request.GET.get("page", "")),
            "sentence": form.sentence(found),
            "stopped": found.is_active and not found.segment.active,
            "work": [working.told(one) for one in found.work.all()[:WORK_SHOWN]],
            "used": users_of(found, request.user),
            "media": self.media + form.media,
        }

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the ticked members out of a static list."""
        found = self.found(request, pk, "change")
        ids = [int(one) for one in request.POST.getlist("record") if is_id(one)]
        try:
            with change_source("admin", actor=request.user):
                count = len(members.remove(found, ids, now=database_now()).ids)
        except DocumentError as error:
            self.complain(request, error)
        else:
            told = ngettext("%(count)d member was removed.", "%(count)d members were removed.", count)
            messages.success(request, told % {"count": count})
        return redirect(PAGE, found.pk)

    def clone_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = self.found(request, pk)
        name = _("%(name)s (copy)") % {"name": found.name[:100]}
        try:
            made = keeping.clone(found, name, now=database_now(), by=request.user)
        except DocumentError as error:
            self.complain(request, error)
            return redirect(PAGE, found.pk)
        messages.success(request, _("This is the copy, “%(name)s”.") % {"name": made.name})
        return redirect(PAGE, made.pk)

    def convert_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            keeping.convert(self.found(request, pk, "change"))
        except DocumentError as error:
            self.complain(request, error)
        else:
            messages.success(request, _("The list is static now: its members stay until somebody removes them."))
        return redirect(PAGE, pk)

    @csrf_protect_m
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a list that nothing uses; else say what does."""
        found = self.found(request, unquote(object_id), "delete")
        if request.method == "POST":
            try:
                keeping.delete(found, request.user)
            except DocumentError as error:
                self.complain(request, error)
                return redirect(PAGE, found.pk)
            messages.success(request, _("The list “%(name)s” was deleted.") % {"name": found.name})
            return redirect(CHANGELIST)
        title = _("Delete the list “%(name)s”?") % {"name": found.name}
        return self.render(
            request, "delete.html", {"title": title, "found": found, "used": users_of(found, request.user)}
        )
