"""Keeping many workflows in order: folders, saved views, files."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.ids import id_of
from records.problems import DocumentError
from workflows import drafting
from workflows.lifecycle import viewing
from workflows.lifecycle.cataloguing import move
from workflows.models import Folder, SavedView, Workflow
from workflows.rights import opening

CHANGELIST = "admin:workflows_workflow_changelist"
#: Workflows moved at once.
MOST = 200


class MoveForm(forms.Form):
    """An existing folder, a new one, or none."""

    folder = forms.ModelChoiceField(Folder.objects.all(), label=gettext_lazy("Folder"), required=False)
    new = forms.CharField(label=gettext_lazy("or a new folder"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["folder"]
        assert isinstance(choices, forms.ModelChoiceField)
        choices.empty_label = _("No folder")

    def name(self) -> str | None:
        """The name of the folder that was chosen; None for no folder."""
        found: Folder | None = self.cleaned_data["folder"]
        return self.cleaned_data["new"].strip() or (found.name if found else None)


class OrganisingViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    message_user: Any
    workflow_or_404: Any

    def organising_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("move/", wrap(self.move_view), name="workflow_move"),
            path("views/", wrap(require_POST(self.save_view)), name="workflow_views"),
            path("views/<int:pk>/delete/", wrap(require_POST(self.forget_view)), name="workflow_view_delete"),
            path("<int:pk>/export/", wrap(self.export_view), name="workflow_export"),
        ]

    @admin.action(description=gettext_lazy("Move to folder…"), permissions=["change"])
    def move_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        ids = [("id", pk) for pk in queryset.values_list("pk", flat=True)[:MOST]]
        return redirect(f"{reverse('admin:workflow_move')}?{urlencode(ids)}")

    def move_view(self, request: HttpRequest) -> HttpResponse:
        """GET: which workflows (`id`, several) would move, and which stay. POST: move them."""
        if not request.user.has_perm("workflows.change_workflow"):
            raise PermissionDenied
        ids = [pk for sent in request.GET.getlist("id")[:MOST] if (pk := id_of(sent))]
        found = opening.openable(Workflow.objects.filter(pk__in=ids, deleted_at=None), request.user)
        chosen = list(found.select_related("folder").order_by("name", "pk"))
        if not chosen:
            raise Http404(_("There is no such workflow."))
        barred = opening.levels(request.user)
        able = [one for one in chosen if one.pk not in barred]
        form = MoveForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            count = move(able, form.name(), by=request.user, now=database_now())
            told = ngettext("%(count)d workflow was moved.", "%(count)d workflows were moved.", count)
            self.message_user(request, told % {"count": count}, messages.SUCCESS)
            return redirect(CHANGELIST)
        context = self.admin_site.each_context(request) | {
            "title": _("Move to a folder"), "form": form, "able": able,
            "unable": [one for one in chosen if one.pk in barred], "why": opening.why_read_only(),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/move.html", context)

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters, search and order that are on under a name."""
        if not request.user.has_perm("workflows.view_workflow"):
            raise PermissionDenied
        query = viewing.cleaned(request.POST.get("query", ""))
        try:
            made = viewing.save(
                request.POST.get("name", ""), query, shared=bool(request.POST.get("shared")), by=request.user
            )
        except DocumentError as error:
            self.message_user(request, str(error.problems[0].message), messages.ERROR)
        else:
            self.message_user(request, _("The view “%(name)s” is saved.") % {"name": made.name}, messages.SUCCESS)
        return redirect(f"{reverse(CHANGELIST)}?{query}" if query else CHANGELIST)

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete one's own view."""
        if not request.user.has_perm("workflows.view_workflow"):
            raise PermissionDenied
        found = get_object_or_404(SavedView, pk=pk, user=request.user.pk)
        found.delete()
        self.message_user(request, _("The view “%(name)s” was deleted.") % {"name": found.name}, messages.SUCCESS)
        return redirect(CHANGELIST)

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The definition as a JSON file, as the API takes it: the draft, or what is live where there is none."""
        workflow = self.workflow_or_404(request, pk, "view")
        revision = drafting.shown(workflow)
        if revision is None:
            raise Http404(_("The workflow has no version."))
        document = {**revision.definition, "name": workflow.name, "description": workflow.description}
        text = json.dumps(document, indent=2, ensure_ascii=False)
        response = HttpResponse(text, content_type="application/json; charset=utf-8")
        name = slugify(workflow.name)[:80] or f"workflow-{workflow.pk}"
        response["Content-Disposition"] = f'attachment; filename="{name}.json"'
        return response

    def views_for(self, request: HttpRequest) -> dict[str, Any]:
        """What the list shows about views: those that are built in, one's own and shared ones, and what is on now."""
        now = viewing.cleaned(request.GET.urlencode())
        views = viewing.views_for(request.user, now)
        return {"views": views, "query": now, "may_save": bool(now) and not any(one.current for one in views)}
