"""Moving records to another step by hand: where to, what exactly will happen, then how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.problems import DocumentError
from workflows.admin.chosen_enrollments import Chosen
from workflows.admin.mass_views import seen_type
from workflows.admin.reading import ReadOnlyAdmin
from workflows.definitions.checking import PUBLISH
from workflows.enrollment import moving_by_hand, moving_many
from workflows.enrollment.moving_outlook import REFUSALS, Group, Outlook, Place, look, name_of
from workflows.history.walked import steps_of
from workflows.models import MassMove, Workflow
from workflows.rights import opening

#: Signs of a step's setting in the list of steps.
SHOWN = 80


class Move:
    """What somebody wants to move where, from a form: chosen first, looked at then, done at last."""

    def __init__(self, request: HttpRequest) -> None:
        self.chosen, self.form = Chosen(request), request.POST
        self.target = self.form.get("target", "")

    @cached_property
    def workflows(self) -> list[Workflow]:
        """Those the chosen ones are of: steps can be chosen of one at a time."""
        found = self.chosen.enrollments.order_by().values("workflow")
        return list(Workflow.objects.filter(pk__in=found).order_by("pk")[:2])

    @cached_property
    def standing(self) -> Outlook:
        return look(self.workflows[0], self.chosen.enrollments)

    @cached_property
    def outlook(self) -> Outlook:
        return look(self.workflows[0], self.chosen.enrollments, self.target)

    def steps(self) -> list[tuple[str, str]]:
        """The steps of the revisions they run in, in the order of the newest; not the one all of them stand on."""
        found: dict[str, str] = {}
        standing = self.standing
        for revision in sorted(standing.definitions, key=lambda pk: -standing.numbers[pk]):
            definition = standing.definitions[revision]
            for step, number, name, setting in steps_of(definition) if definition else ():
                label = f"{number}. {name}" if setting == name else f"{number}. {name}: {setting}"
                found.setdefault(step, Truncator(label).chars(SHOWN))
        on = {group.step for group in standing.groups}
        return [(step, label) for step, label in found.items() if on != {step}]

    @property
    def places(self) -> list[Place]:
        """Where those stood that the question named."""
        pairs = (text.partition(":") for text in self.form.getlist("from"))
        return [
            (int(revision), step) for revision, _colon, step in pairs if revision.isdecimal() and len(revision) < 19
        ]

    def sentences(self) -> list[str]:
        """What confirming does, one sentence for each place somebody comes from."""
        several = len(self.outlook.numbers) > 1
        return [self.sentence(group, several) for group in self.outlook.moving]

    def sentence(self, group: Group, several: bool) -> str:
        definition = self.outlook.definitions[group.revision]
        facts = {
            "count": f"{group.count:,}", "from": name_of(definition, group.step),
            "to": name_of(definition, self.target), "number": self.outlook.numbers[group.revision],
        }  # fmt: skip
        told = ngettext(
            "%(count)s record goes from “%(from)s” to “%(to)s”.", "%(count)s records go from “%(from)s” to “%(to)s”.",
            group.count,
        )  # fmt: skip
        if several:
            told = ngettext(
                "%(count)s record in revision %(number)d goes from “%(from)s” to “%(to)s”.",
                "%(count)s records in revision %(number)d go from “%(from)s” to “%(to)s”.",
                group.count,
            )
        return told % facts

    def given_up(self) -> list[str]:
        """What is cancelled by it, and what cannot be any more."""
        found = self.outlook
        counted = (
            (found.waiting, ngettext("%(count)s wait ends now.", "%(count)s waits end now.", found.waiting)),
            (found.deliveries, ngettext(
                "%(count)s delivery its step has not sent yet is not sent.",
                "%(count)s deliveries their steps have not sent yet are not sent.", found.deliveries,
            )),
            (found.scripts, ngettext(
                "%(count)s script of its step is given up.", "%(count)s scripts of their steps are given up.",
                found.scripts,
            )),
            (found.sending, ngettext(
                "%(count)s delivery is being sent just now and cannot be stopped.",
                "%(count)s deliveries are being sent just now and cannot be stopped.", found.sending,
            )),
        )  # fmt: skip
        return [told % {"count": f"{count:,}"} for count, told in counted if count]


def refusals(counted: Iterable[tuple[str, int]]) -> list[str]:
    return [
        ngettext("%(count)s is left where it is: %(reason)s", "%(count)s are left where they are: %(reason)s", count)
        % {"count": f"{count:,}", "reason": REFUSALS[code]}
        for code, count in counted
    ]


class MovingViews(ReadOnlyAdmin):
    """Mixed into the admin of enrollments."""

    admin_site: admin.AdminSite

    def moving_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("move/", wrap(require_POST(self.move_view)), name="enrollment_move"),
            path("moving/<int:moving>/", wrap(self.moving_view), name="enrollment_moving"),
        ]

    def move_view(self, request: HttpRequest) -> HttpResponse:
        """Ask where to, say exactly what happens and to how many; then move the chosen records."""
        moving_by_hand.refuse_without_right(request.user)
        move = Move(request)
        back = move.chosen.back
        if not move.workflows:
            move.chosen.refuse_read_only()
        if len(move.workflows) != 1:
            messages.warning(request, why_not_one(move.workflows))
            return redirect(back)
        if not move.standing.groups:
            messages.warning(request, _("None of the chosen enrollments is active any more. Nothing was changed."))
            return redirect(back)
        if move.target and request.POST.get("confirmed"):
            return self.moved(request, move, back)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Move to another step?"),
            "opts": self.opts,
            "move": move,
            "workflow": move.workflows[0],
            "steps": move.steps(),
            "outlook": move.outlook if move.target else None,
            "refused": refusals(move.outlook.refused.most_common()) if move.target else [],
            "back": back,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/move.html", context)

    def moved(self, request: HttpRequest, move: Move, back: str) -> HttpResponse:
        """Do what was asked for: at once, or in the background where they are many."""
        workflow, now, chosen = move.workflows[0], database_now(), move.chosen.enrollments
        try:
            ids = list(chosen.order_by().values_list("pk", flat=True)[: moving_by_hand.LIMIT + 1])
            if len(ids) > moving_by_hand.LIMIT:
                work = moving_many.begin(workflow, chosen, move.target, by=request.user, now=now, places=move.places)
                return redirect("admin:enrollment_moving", work.pk)
            done = moving_by_hand.move(workflow, ids, move.target, by=request.user, now=now, places=move.places)
        except DocumentError as error:
            messages.error(request, error.problems[0].message)
            return redirect(back)
        told = ngettext("%(count)s record was moved.", "%(count)s records were moved.", done.count)
        lines = [told % {"count": f"{done.count:,}"}, *refusals(done.refused.most_common())]
        (messages.success if done.count else messages.warning)(request, " ".join(lines))
        return redirect(back)

    def moving_view(self, request: HttpRequest, moving: int) -> HttpResponse:
        """How far the move of many is; with `?part=1` only the part that is drawn anew."""
        if not request.user.has_perm(PUBLISH):
            raise PermissionDenied
        work = MassMove.objects.filter(pk=moving).defer("enrollment_ids").select_related("workflow").first()
        if work is None:
            raise Http404(_("There is no such move of many records."))
        opening.refuse_closed(work.workflow, request.user)
        seen_type(request, work.workflow)
        context: dict[str, Any] = {
            "title": _("Moving many records"), "work": work, "workflow": work.workflow,
            "told": [(count, REFUSALS.get(code, code)) for code, count in sorted(work.refused.items())],
            "here": reverse("admin:enrollment_moving", args=[work.pk]), "count": work.moved, "verb": _("moved"),
            "history": f"{reverse('admin:workflows_enrollment_changelist')}?workflow__id__exact={work.workflow_id}",
            "finished": work.status != MassMove.Status.WAITING,
        }  # fmt: skip
        if request.GET.get("part"):
            return TemplateResponse(request, "admin/workflows/workflow/mass_part.html", context)
        context = self.admin_site.each_context(request) | context
        return TemplateResponse(request, "admin/workflows/workflow/mass.html", context)


def why_not_one(workflows: list[Workflow]) -> str:
    if workflows:
        return _("The chosen records are in several workflows, whose steps differ. Choose records of one workflow.")
    return _("Nothing was chosen, so nothing was changed. Tick the records first.")
