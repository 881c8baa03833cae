"""Drafts of workflows by AI, and of parts of them: wished for, looked at, then opened (CRE-03 to CRE-08)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

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
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.ids import id_of
from records.object_types import enrolled_types, object_types
from records.problems import DocumentError, Problem
from workflows.ai import drafts, parts, providers
from workflows.definitions.goals import Goal
from workflows.editor.gallery import card
from workflows.models import AIDraft, Workflow
from workflows.rights.opening import refuse_change

USE = "workflows.use_aiprovider"


#: By part: what is asked for, and an example of it.
ASKED = {
    "trigger": (
        gettext_lazy("When records should enroll"),
        gettext_lazy("Like: “when a contact in Sweden fills in a form”, or “each Monday at nine, open deals”."),
    ),
    "steps": (
        gettext_lazy("What should happen"),
        gettext_lazy("Like: “wait two days, then create a task for the owner to call”. It is added at the end."),
    ),
    "words": (
        gettext_lazy("What to look out for"),
        gettext_lazy("Like: “in German”, or “begin with the name of the team”."),
    ),
}
TITLES = {
    "trigger": gettext_lazy("Have AI write the trigger of “%(name)s”"),
    "steps": gettext_lazy("Have AI write steps for “%(name)s”"),
    "words": gettext_lazy("Have AI name and describe “%(name)s”"),
}
DEFAULT_WISH = gettext_lazy("Say what it does and why.")


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

    def __init__(self, *args: Any, into: Workflow | None = None, part: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if into is not None:
            del self.fields["object_type"]
            self.fields["wish"].label, self.fields["wish"].help_text = ASKED[part]
            self.fields["wish"].initial = DEFAULT_WISH if part == AIDraft.Part.WORDS else ""
            return
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

    def allowed(self, request: HttpRequest, part: str = "") -> None:
        needed = "workflows.change_workflow" if part else "workflows.add_workflow"
        if not request.user.has_perms((needed, "workflows.view_workflow", USE)):
            raise PermissionDenied(_("You may not have AI draft workflows. Ask for the right to."))

    def asked_for(self, request: HttpRequest) -> tuple[Workflow | None, str]:
        """The workflow and the part of it `?workflow=` and `?part=` ask for; (None, "") for a workflow of its own."""
        part, pk = request.GET.get("part", ""), id_of(request.GET.get("workflow", ""))
        if not part and "workflow" not in request.GET:
            return None, ""
        found = Workflow.objects.filter(pk=pk or 0, deleted_at=None).first()
        if found is None or part not in AIDraft.Part.values:
            raise Http404(_("There is no such workflow, or no such part of one."))
        refuse_change(found, request.user)
        return found, part

    def own_draft(self, request: HttpRequest, pk: int) -> AIDraft:
        """A wish is for who wrote it: it was answered with what that person may use."""
        found = AIDraft.objects.filter(pk=pk, created_by=request.user.pk).select_related("workflow", "into").first()
        self.allowed(request, found.part if found else "")
        if found is None:
            raise Http404(_("There is no such draft."))
        return found

    def wish_view(self, request: HttpRequest) -> HttpResponse:
        """The page to write a wish on; greyed, with the reason, while nobody can be asked."""
        self.allowed(request, request.GET.get("part", ""))
        into, part = self.asked_for(request)
        form = WishForm(request.POST or None, into=into, part=part)
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            kind = into.object_type if into else facts["object_type"]
            try:
                draft = drafts.ask(facts["wish"], kind, by=request.user, now=database_now(), into=into, part=part)
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(problem.path if problem.path in form.fields else None, str(problem.message))
            else:
                return redirect("admin:ai_draft", draft.pk)
        title = TITLES[part] % {"name": into.name} if into else _("Create a workflow with AI")
        context = {"title": title, "form": form, "missing": providers.missing(), "into": into, "part": part}
        return self.shown(request, "wish.html", context)

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What became of a wish; asked for again by the page until the answer is there."""
        draft = self.own_draft(request, pk)
        found = drafts.outcome(draft, by=request.user)
        drawn = found.document and draft.part != AIDraft.Part.WORDS
        goal = Goal("draft", "", "", found.document) if drawn else None
        context = {
            "title": found.document.get("name") or _("Draft by AI"), "draft": draft, "outcome": found,
            "card": card(goal) if goal else None, "kind": object_types[draft.object_type],
        }  # fmt: skip
        template = "answer.html" if request.headers.get("HX-Request") == "true" else "draft.html"
        return self.shown(request, template, context)

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        draft = self.own_draft(request, pk)
        try:
            if draft.part:
                return redirect(self.taken_in(draft, request.user))
            workflow = drafts.open_draft(draft, by=request.user)
        except DocumentError as error:
            messages.error(request, str(error.problems[0].message))
            return redirect("admin:ai_draft", draft.pk)
        return redirect("admin:workflow_editor", workflow.pk)

    def taken_in(self, draft: AIDraft, user: Any) -> str:
        """Bring a part into its workflow: where it is looked at then. Raises DocumentError."""
        found = drafts.outcome(draft, by=user)
        if not found.document:
            raise DocumentError([Problem("", found.why or _("The answer is not there yet. Wait a moment."))])
        workflow, step = parts.take_in(draft, found.document, by=user, now=database_now())
        if draft.part == AIDraft.Part.WORDS:
            return reverse("admin:workflow_review", args=[workflow.pk])
        place = "trigger" if draft.part == AIDraft.Part.TRIGGER else step
        return f"{reverse('admin:workflow_editor', args=[workflow.pk])}?{urlencode({'step': place})}"

    def shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request)
        response = TemplateResponse(request, f"admin/workflows/aidraft/{template}", base | context)
        response["Cache-Control"] = "no-store"
        return response
