"""Making a workflow: from scratch, with AI, or from a template of the library (CRE-01, CRE-09 to CRE-16)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import enrolled_types, object_types
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows import drafting
from workflows.editor.gallery import cards, found_goals, preview, shelves
from workflows.registries import goals

ROOM = "admin/workflows/workflow/"
ASKED = ("function", "object", "q")


class NewWorkflowForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    object_type = forms.ChoiceField(label=gettext_lazy("Which records"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(slug, capfirst(str(kind.label_plural))) for slug, kind in enrolled_types().items()]
        field = self.fields["object_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = kinds


class CreateViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    opts: Any
    has_add_permission: Any

    def template_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("templates/", wrap(self.templates_view), name="workflow_templates"),
            path("templates/<slug:slug>/", wrap(self.template_view), name="workflow_template"),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Name and object type, or one of the ready goals."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = NewWorkflowForm(request.POST if posted and "goal" not in request.POST else None)
        if posted and request.POST.get("goal") in goals:
            document = goals[request.POST["goal"]].definition
            try:
                workflow = drafting.create(str(document["name"]), document["object"], request.user, document)
            except DocumentError as error:  # A step of it changes what the person may not edit.
                messages.error(request, str(error.problems[0].message))
                return redirect("admin:workflows_workflow_add")
            return redirect("admin:workflow_editor", workflow.pk)
        if posted and form.is_valid():
            kind = form.cleaned_data["object_type"]
            name = form.cleaned_data["name"] or _("New workflow for %(kind)s") % {
                "kind": object_types[kind].label_plural
            }
            try:
                workflow = drafting.create(name, kind, request.user, unnamed=not form.cleaned_data["name"])
            except DocumentError as error:  # There are as many as there may be.
                messages.error(request, str(error.problems[0].message))
                return redirect("admin:workflows_workflow_add")
            # The first thing to choose is what enrolls records (CRE-02).
            return redirect(f"{reverse('admin:workflow_editor', args=[workflow.pk])}?step=trigger")
        context = self.admin_site.each_context(request) | {
            "title": _("Create a workflow"), "form": form, "opts": self.opts,
            "cards": cards(goal for goal in goals.values() if goal.featured), "more": len(goals),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/create.html", context)

    @read_once()
    def templates_view(self, request: HttpRequest) -> HttpResponse:
        """The library, narrowed by `?function=`, `?object=` and `?q=`."""
        self.refuse_without_right(request)
        asked = {key: request.GET.get(key, "").replace("\x00", "").strip() for key in ASKED}
        context = self.admin_site.each_context(request) | {
            "title": _("Templates"), "opts": self.opts, "asked": asked,
            "cards": cards(found_goals(goals.values(), asked)), "shelves": shelves(goals.values(), asked),
        }  # fmt: skip
        return TemplateResponse(request, f"{ROOM}templates.html", context)

    @read_once()
    def template_view(self, request: HttpRequest, slug: str) -> HttpResponse:
        """One template before it is used: what for, whether it works here, what to prepare, what it would do."""
        self.refuse_without_right(request)
        if slug not in goals:
            raise Http404(_("There is no template “%(slug)s”.") % {"slug": slug})
        goal = goals[slug]
        context = self.admin_site.each_context(request) | {
            "title": goal.label, "opts": self.opts, "goal": goal, "preview": preview(goal, request.user),
            "kind": object_types[goal.definition["object"]],
        }  # fmt: skip
        return TemplateResponse(request, f"{ROOM}template.html", context)

    def refuse_without_right(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied
