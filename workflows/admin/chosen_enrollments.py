"""The enrollments somebody has chosen in a form: ticked ones, or all that match the filters of a list."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from records.clock import database_now
from records.ids import id_of
from workflows.admin.enrollment_list import Listing
from workflows.models import Enrollment, Workflow
from workflows.rights import opening


class Chosen:
    """`ids` are those of the ticked ones; `matching` is the query string of a list instead, None without.

    `upto` is the newest of those that matched when the person was told how many they are: later ones are not meant.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request, form = request, request.POST
        self.ids = [int(pk) for pk in form.getlist("enrollment") if pk.isdecimal() and len(pk) < 19]
        self.matching = form.get("matching") if "all" in form else None
        self.upto = id_of(form.get("upto"))

    @cached_property
    def enrollments(self) -> QuerySet[Enrollment]:
        """Those of workflows the person may change."""
        which = Enrollment.objects.filter(pk__in=self.ids)
        if self.matching is not None:
            which = all_of(self.matching, self.request.user)
            which = which if self.upto is None else which.filter(pk__lte=self.upto)
        return opening.changeable(which, self.request.user, "workflow")

    def refuse_read_only(self) -> None:
        """Raise PermissionDenied, with the reason, where ticked ones are of a workflow the person may not change."""
        ticked = Enrollment.objects.filter(pk__in=self.ids).order_by().values("workflow")
        for workflow in Workflow.objects.filter(pk__in=ticked).order_by("pk"):
            opening.refuse_change(workflow, self.request.user)

    @property
    def back(self) -> str:
        """Where the person came from; the list where the form does not say so."""
        back = self.request.POST.get("back", "")
        safe = url_has_allowed_host_and_scheme(back, {self.request.get_host()}, require_https=self.request.is_secure())
        return back if safe else reverse("admin:workflows_enrollment_changelist")


def all_of(matching: str, user: Any) -> QuerySet[Enrollment]:
    """The active enrollments of one workflow that match the filters of a list's address.

    None for a search by name, nor without a workflow: nobody does anything to everybody everywhere by one button.
    """
    listing = Listing(QueryDict(matching), database_now(), user)
    if listing.workflow is None or listing.chosen("q"):
        return Enrollment.objects.none()
    return listing.filtered().filter(status=Enrollment.Status.ACTIVE).order_by("-id")
