"""The editor's views: the page, operations and panels."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from records.api import strict_json
from records.api.bodies import body_of
from records.clock import database_now
from records.models import Access
from records.problems import DocumentError, Problem
from records.vocabulary import read_once
from workflows import drafting
from workflows.admin.limited import limited_now
from workflows.admin.switch_views import COLOURS, links
from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.discussion import presence
from workflows.discussion.places import open_threads
from workflows.editor import page
from workflows.editor.panels import SETTINGS, Panel
from workflows.editor.words import keys, words
from workflows.history.traffic import PERIODS
from workflows.models import Workflow
from workflows.rights import opening
from workflows.step_forms.answers import Answers

BODY_LIMIT = 2_000_000


class EditorViews:
    """Mixed into the workflow's admin."""

    admin_site: Any

    def workflow_or_404(self, request: HttpRequest, pk: int, right: str) -> Workflow:
        """The workflow, if it exists and the person has the right: view, change, add, delete or publish.

        Whoever may not edit a property it changes only reads it, or does not open it at all (PRM-08, PRM-09).
        """
        if not request.user.has_perm(f"workflows.{right}_workflow"):
            raise PermissionDenied
        workflow = get_object_or_404(Workflow.objects.select_related("live", "folder"), pk=pk, deleted_at=None)
        (opening.refuse_closed if right == "view" else opening.refuse_change)(workflow, request.user)
        return workflow

    def facts(
        self, request: HttpRequest, workflow: Workflow, selected: str = "", applied: drafting.Applied | None = None
    ) -> dict[str, Any]:
        """`applied` is what has become of the draft just now."""
        revision = applied.revision if applied else drafting.shown(workflow) or drafting.draft_of(workflow)
        return page.facts(
            workflow,
            revision,
            now=database_now(),
            selected=selected,
            editable=opening.may_change(workflow, request.user),
            collapsed=frozenset(request.GET.get("collapsed", "").split()),
            user=request.user,
            seen=request.GET.get("seen", ""),
            definition=applied.definition if applied else None,
        )

    def editor_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page, or with `?format=json` what it shows; `?step=` opens the panel of a step."""
        workflow = self.workflow_or_404(request, pk, "view")
        step = request.GET.get("step", "")
        facts = self.facts(request, workflow, step)
        if request.GET.get("format") == "json":
            return JsonResponse(facts)
        panel = self.panel(request, workflow, step, gone_ok=True) if step else ""
        changed = opening.access_to(workflow, request.user) == Access.EDIT
        context = self.admin_site.each_context(request) | {
            "title": facts["name"], "workflow": workflow, "facts": facts, "panel": panel,
            "words": words(), "keys": keys(), "periods": [(key, label) for key, (label, _span) in PERIODS.items()],
            "may_change": changed and request.user.has_perm("workflows.change_workflow"),
            "read_only": "" if changed else opening.why_read_only(),
            "switches": links(workflow, "editor") if changed and request.user.has_perm(checking.PUBLISH) else [],
            "open_threads": open_threads(workflow), "comment": request.GET.get("comment", "")[:20],
            "every": presence.EVERY,
            "colour": COLOURS[Workflow.Status(workflow.status)], "limited": limited_now(workflow.pk, database_now()),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/editor.html", context)

    def ops_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Carry out `{"op": …, "rev": n}`; undo and redo are ops, too."""
        workflow = self.workflow_or_404(request, pk, "change")
        try:
            body = body_of(request, BODY_LIMIT)
            sent = strict_json.parse(body) if body else None
        except DocumentError as error:
            return refused(error)
        if not isinstance(sent, dict) or not isinstance(sent.get("rev"), int):
            problem = Problem("", _("Send a JSON object with “op” and “rev”, of at most 2 MB."))
            return refused(DocumentError([problem]))
        return self.carry_out(request, workflow, sent.get("op"), sent["rev"])

    def carry_out(
        self, request: HttpRequest, workflow: Workflow, op: Any, rev: int, redraw: bool = True
    ) -> HttpResponse:
        now, user = database_now(), request.user
        try:
            applied = drafting.carry_out(workflow, op, rev=rev, user=user, now=now)
        except drafting.Conflict as conflict:
            return JsonResponse({"conflict": conflict.sentence, "rev": conflict.rev}, status=409)
        except DocumentError as error:
            return refused(error)
        facts = self.facts(request, workflow, applied.selected, applied)
        step = request.GET.get("step", "")
        if step:
            panel = self.panel(request, workflow, step, gone_ok=True, definition=applied.definition)
            facts |= {"panel": panel, "step": step, "redraw": redraw}
        return JsonResponse(facts)

    def panel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: the panel of `?step=`. POST: store its form (`rev`); with `redraw` the panel comes anew."""
        step = request.GET.get("step", "")
        if request.method != "POST":
            workflow = self.workflow_or_404(request, pk, "view")
            return HttpResponse(self.panel(request, workflow, step))
        workflow = self.workflow_or_404(request, pk, "change")
        revision = drafting.shown(workflow)
        assert revision is not None
        try:
            op = Panel(parse(revision.definition), step, request.POST, workflow=workflow.pk, user=request.user).op()
            rev = int(request.POST.get("rev", ""))
        except (AssertionError, ValueError):
            message = _("The step “%(step)s” is not there any more. Reload the page.") % {"step": step}
            return refused(DocumentError([Problem("step", message, step)]))
        return self.carry_out(request, workflow, op, rev, redraw="redraw" in request.POST)

    @read_once()
    def panel(
        self, request: HttpRequest, workflow: Workflow, step: str, *,
        gone_ok: bool = False, definition: Definition | None = None,
    ) -> str:  # fmt: skip
        """The panel's HTML; with `gone_ok` empty for a step that is not there. `definition` is the draft's."""
        if definition is None:
            revision = drafting.shown(workflow)
            assert revision is not None
            definition = parse(revision.definition)
        if step not in ("trigger", SETTINGS) and step not in definition.by_id:
            if gone_ok:
                return ""
            raise Http404(_("There is no step “%(step)s” in this draft.") % {"step": step})
        answers = Answers(definition, workflow.pk)
        found = checking.errors(checking.problems(definition, workflow=workflow.pk, answers=answers))
        shown = Panel(definition, step, workflow=workflow.pk, user=request.user)
        faults = page.problems_by_step(found, definition).get(step, [])
        context = {
            "panel": shown, "faults": [(problem.message, shown.field_of(problem)) for problem in faults],
            "workflow": workflow,
            "number": definition.number_of(step) if step in definition.by_id else 0,
            "open_threads": open_threads(workflow).get(step, 0),
            "may_change": opening.may_change(workflow, request.user),
        }  # fmt: skip
        return page.panel(context, request)


def refused(error: DocumentError) -> JsonResponse:
    return JsonResponse({"errors": [problem.as_json() for problem in error.problems]}, status=400)
