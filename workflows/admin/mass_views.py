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
from records.criteria.widget import CriteriaField
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from workflows import enrolling_many
from workflows.doors import REFUSALS, closed_because
from workflows.models import MassEnrollment


class ChosenForm(forms.Form):
    criteria = CriteriaField(label=gettext_lazy("Records to enroll"))

    def __init__(self, data: Any, object_type: ObjectType) -> None:
        super().__init__(data)
        field = self.fields["criteria"]
        assert isinstance(field, CriteriaField)
        field.aim(object_type)


class MassViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def enroll_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: choose records by criteria. POST: begin to enroll them."""
        workflow = self.workflow_or_404(request, pk, "publish")
        kind = object_types[workflow.object_type]
        form = ChosenForm(request.POST if request.method == "POST" else None, kind)
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
        told = [(count, REFUSALS.get(code, code)) for code, count in sorted(work.refused.items())]
        history = f"{reverse('admin:workflows_enrollment_changelist')}?workflow__id__exact={work.workflow_id}"
        context = {
            "title": _("Enrolling many records"), "work": work, "workflow": work.workflow, "told": told,
            "history": history, "finished": work.status != MassEnrollment.Status.WAITING,
        }  # fmt: skip
        if request.GET.get("part"):
            return TemplateResponse(request, "admin/workflows/workflow/mass_part.html", context)
        context = self.admin_site.each_context(request) | context
        return TemplateResponse(request, "admin/workflows/workflow/mass.html", context)
