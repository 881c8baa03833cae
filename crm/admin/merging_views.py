"""The pages on which two records are merged."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from crm.admin import merging
from crm.admin.listing import ListingAdmin
from records.clock import database_now
from records.ids import id_of
from records.merging import Merge
from records.merging.remembering import gone_into, merged_into
from records.object_types import ObjectType, object_type_of
from records.problems import DocumentError


class MergingAdmin(ListingAdmin):
    """Two records of one object type are compared and merged; part of RecordAdmin, whose pages and checks it uses."""

    record: Any
    page: Any
    url_of: Any

    @property
    def object_type(self) -> ObjectType:
        return object_type_of(self.model)

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view(self.merge_view), self.opts.model_name
        own = [path("<int:pk>/merge/", view, name=f"crm_{name}_merge")] if self.object_type.mergeable else []
        return own + super().get_urls()

    def may_merge(self, request: HttpRequest, record: Any) -> bool:
        """Whether a person may merge a record with others: both are changed, and one is deleted."""
        return bool(
            self.object_type.mergeable
            and not record.deleted_at
            and self.has_change_permission(request, record)
            and self.has_delete_permission(request)
        )

    def gone_into(self, request: HttpRequest, record: Any) -> HttpResponse | None:
        """To the page of what a record was merged into; None when it was not."""
        winner = merged_into(self.object_type, [record.pk]).get(record.pk)
        if winner is None:
            return None
        messages.info(request, gone_into(self.object_type, record.pk, winner))
        return redirect(self.url_of(winner))

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Search the other record; compare both; merge them."""
        winner = self.record(request, pk, "change")
        if gone := self.gone_into(request, winner):
            return gone
        if winner.deleted_at:
            raise Http404(_("The record was deleted. Restore it first."))
        sent = request.POST if request.method == "POST" else request.GET
        if "with" not in sent:
            return self.search_page(request, winner)
        loser = self.object_type.records().filter(pk=id_of(sent.get("with")) or 0).first()
        if loser is None or loser.pk == winner.pk:
            messages.error(request, _("That record does not exist any more, or is this one. Choose another."))
            return redirect(request.path)
        if not (self.may_merge(request, winner) and self.may_merge(request, loser)):
            raise PermissionDenied
        one = Merge(self.object_type, winner.pk, loser.pk, request.user.pk, database_now())
        wrong = self.merged(request, one) if request.method == "POST" else []
        if wrong is None:
            return redirect(self.url_of(winner.pk))
        return self.comparison(request, one, winner, loser, wrong)

    def search_page(self, request: HttpRequest, winner: Any) -> HttpResponse:
        if not self.may_merge(request, winner):
            raise PermissionDenied
        text = request.GET.get("q", "")
        context = {
            "title": _("Merge %(name)s with another record") % {"name": self.object_type.name_of(winner)},
            "record": winner,
            "text": text,
            "found": merging.find(self.object_type, winner.pk, text),
        }
        part = "merge_found.html" if request.headers.get("HX-Request") else "merge_search.html"
        return self.page(request, f"admin/crm/{part}", context)

    def comparison(self, request: HttpRequest, one: Merge, winner: Any, loser: Any, wrong: list[str]) -> HttpResponse:
        names = {side: self.object_type.name_of(record) for side, record in (("winner", winner), ("loser", loser))}
        context = {
            "title": _("Merge %(winner)s and %(loser)s") % names,
            "record": winner,
            "other": loser,
            "names": names,
            "lines": merging.lines(self.object_type, winner, loser, request.POST.dict(), request.user),
            "consequences": merging.consequences(one),
            "older": min(winner.created_at, loser.created_at),
            "wrong": wrong,
            "prefix": f"admin:crm_{self.opts.model_name}",
        }
        return self.page(request, "admin/crm/merge.html", context)

    def merged(self, request: HttpRequest, one: Merge) -> list[str] | None:
        """Merge as the form says; what is wrong with it, None when it is done."""
        if "sure" not in request.POST:
            return [_("Say that you know there is no way back.")]
        try:
            merging.perform(one, request.user, request.POST.dict())
        except DocumentError as error:
            return [str(problem.message) for problem in error.problems]
        messages.success(request, _("Merged. This record now has what both had."))
        return None
