"""Enrolling many records in a workflow by hand: who, then how far it is (MAN-01)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.criteria import compile
from records.criteria.widget import CriteriaField
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.seeing import hidden_in, may_see
from workflows.enrollment import enrolling_many
from workflows.enrollment.doors import REFUSALS, closed_because
from workflows.models import MassEnrollment, Workflow
from workflows.rights import opening


class ChosenForm(forms.Form):
    criteria = CriteriaField(label=gettext_lazy("Records to enroll"))

    def __init__(self, data: Any, object_type: ObjectType, user: Any, zone: str) -> None:
        super().__init__(data)
        self.object_type, self.user = object_type, user
        field = self.fields["criteria"]
        assert isinstance(field, CriteriaField)
        field.aim(object_type, zone)

    def clean_criteria(self) -> Any:
        """Who is enrolled tells of what the criteria look at: only of what one may see."""
        document = self.cleaned_data["criteria"]
        compiled = compile(document, self.object_type, now=database_now())
        if hidden := hidden_in(self.user, compiled):
            message = _("The criteria look at %(what)s, which you may not see. Leave that out.")
            raise forms.ValidationError(message % {"what": hidden})
        return document


def seen_type(request: HttpRequest, workflow: Workflow) -> ObjectType:
    """The workflow's object type. Raises PermissionDenied for whoever may not see its records."""
    kind = object_types[workflow.object_type]
    if not may_see(request.user, kind):
        message = _("You may not see records of the type “%(type)s”. An administrator can permit it.")
        raise PermissionDenied(message % {"type": kind.slug})
    return kind


class MassViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def enroll_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: choose records by criteria. POST: begin to enroll them."""
        workflow = self.workflow_or_404(request, pk, "publish")
        kind = seen_type(request, workflow)
        zone = enrolling_many.zone_of(workflow).key
        form = ChosenForm(request.POST if request.method == "POST" else None, kind, request.user, zone)
        if form.is_bound and form.is_valid():
            try:
                document = form.cleaned_data["criteria"]
                work = enrolling_many.begin(workflow, by=request.user, now=database_now(), document=document)
            except DocumentError as error:
                for problem in error.problems:
                    form.add_error(None, str(problem.message))
            else:
                return redirect("admin:workflow_mass", work.pk)
        closed = closed_because(workflow)
        context = self.admin_site.each_context(request) | {
            "title": _("Enroll %(records)s") % {"records": kind.label_plural},
            "workflow": workflow, "form": form, "media": form.media,
            "closed": REFUSALS[closed] if closed else "",
            "earlier": MassEnrollment.objects.filter(workflow=workflow)[:10],
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/enroll.html", context)

    def mass_view(self, request: HttpRequest, mass: int) -> HttpResponse:
        """How far an enrollment of many is; with `?part=1` only the part that is drawn anew."""
        if not request.user.has_perm("workflows.publish_workflow"):
            raise PermissionDenied
        work = MassEnrollment.objects.filter(pk=mass).select_related("workflow").first()
        if work is None:
            raise Http404(_("There is no such enrollment of many records."))
        opening.refuse_closed(work.workflow, request.user)
        seen_type(request, work.workflow)
        told = [(count, REFUSALS.get(code, code)) for code, count in sorted(work.refused.items())]
        history = f"{reverse('admin:workflows_enrollment_changelist')}?workflow__id__exact={work.workflow_id}"
        context = {
            "title": _("Enrolling many records"), "work": work, "workflow": work.workflow, "told": told,
            "here": reverse("admin:workflow_mass", args=[work.pk]), "count": work.enrolled, "verb": _("enrolled"),
            "history": history, "finished": work.status != MassEnrollment.Status.WAITING,
        }  # fmt: skip
        if request.GET.get("part"):
            return TemplateResponse(request, "admin/workflows/workflow/mass_part.html", context)
        context = self.admin_site.each_context(request) | context
        return TemplateResponse(request, "admin/workflows/workflow/mass.html", context)
