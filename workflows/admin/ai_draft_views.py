"""Drafts of workflows by AI: a wish is written, and what came of it looked at and opened (CRE-03 to CRE-05)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.object_types import enrolled_types, object_types
from records.problems import DocumentError
from workflows.ai import drafts, providers
from workflows.definitions.goals import Goal
from workflows.editor.gallery import card
from workflows.models import AIDraft

USE = "workflows.use_aiprovider"


class WishForm(forms.Form):
    object_type = forms.ChoiceField(label=gettext_lazy("Which records"))
    wish = forms.CharField(
        label=gettext_lazy("What should happen"), max_length=drafts.WISH_LIMIT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy(
            "The condition first, then what to do: “When a contact becomes a customer, wait two days, then create a "
            "task for the owner to call.”"
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["object_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(slug, capfirst(str(kind.label_plural))) for slug, kind in enrolled_types().items()]


class AIDraftViews:
    """Mixed into the admin of AI providers; for who may make workflows and use AI in them."""

    admin_site: Any

    def draft_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("drafts/", wrap(self.wish_view), name="ai_draft_add"),
            path("drafts/<int:pk>/", wrap(self.draft_view), name="ai_draft"),
            path("drafts/<int:pk>/open/", wrap(require_POST(self.open_view)), name="ai_draft_open"),
        ]

    def allowed(self, request: HttpRequest) -> None:
        if not request.user.has_perms(("workflows.add_workflow", "workflows.view_workflow", USE)):
            raise PermissionDenied(_("You may not have AI draft workflows. Ask for the right to."))

    def own_draft(self, request: HttpRequest, pk: int) -> AIDraft:
        """A wish is for who wrote it: it was answered with what that person may use."""
        self.allowed(request)
        found = AIDraft.objects.filter(pk=pk, created_by=request.user.pk).select_related("workflow").first()
        if found is None:
            raise Http404(_("There is no such draft."))
        return found

    def wish_view(self, request: HttpRequest) -> HttpResponse:
        """The page to write a wish on; greyed, with the reason, while nobody can be asked."""
        self.allowed(request)
        form = WishForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            try:
                draft = drafts.ask(facts["wish"], facts["object_type"], by=request.user, now=database_now())
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            else:
                return redirect("admin:ai_draft", draft.pk)
        context = {"title": _("Create a workflow with AI"), "form": form, "missing": providers.missing()}
        return self.shown(request, "wish.html", context)

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What became of a wish; asked for again by the page until the answer is there."""
        draft = self.own_draft(request, pk)
        found = drafts.outcome(draft, by=request.user)
        goal = Goal("draft", "", "", found.document) if found.document else None
        context = {
            "title": found.document.get("name") or _("Draft by AI"), "draft": draft, "outcome": found,
            "card": card(goal) if goal else None, "kind": object_types[draft.object_type],
        }  # fmt: skip
        template = "answer.html" if request.headers.get("HX-Request") == "true" else "draft.html"
        return self.shown(request, template, context)

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        draft = self.own_draft(request, pk)
        try:
            workflow = drafts.open_draft(draft, by=request.user)
        except DocumentError as error:
            messages.error(request, str(error.problems[0].message))
            return redirect("admin:ai_draft", draft.pk)
        return redirect("admin:workflow_editor", workflow.pk)

    def shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request)
        response = TemplateResponse(request, f"admin/workflows/aidraft/{template}", base | context)
        response["Cache-Control"] = "no-store"
        return response
