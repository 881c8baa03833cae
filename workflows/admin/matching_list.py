"""“See all in a list”: the records that match a trigger now, as a static list (REV-04, SCH-22)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from records.clock import database_now
from records.criteria import compile
from records.lists import keeping, working
from records.models import ListWork
from records.moments import moment
from records.object_types import object_types
from records.seeing import hidden_in
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.doorbell import ring
from workflows.lifecycle import previewing
from workflows.models import Workflow
from workflows.times.wall_time import workflow_zone
from workflows.triggers.schedule import ALL_RECORDS

ADD = "records.add_recordlist"
#: A list is made by filters: this one every record meets.
EVERYBODY = {"any": [{"all": [{"property": "id", "operator": "is_known"}]}]}


def list_of_matching(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    """Make the list of the records that match the draft's trigger, and show it. Raises PermissionDenied."""
    revision = drafting.shown(workflow)
    review = previewing.review(workflow, user=request.user, now=database_now())
    kind = object_types[workflow.object_type]
    meta = kind.model._meta
    if not (request.user.has_perm(ADD) and request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")):
        raise PermissionDenied(_("You may not make lists of these records. Ask somebody with the right to add lists."))
    if revision is None or review.definition is None or not (review.matching or review.withheld):
        messages.info(request, _("No record matches now, so there is nothing to list."))
        return redirect("admin:workflow_review", workflow.pk)
    now, definition = database_now(), parse(revision.definition)
    if definition.trigger.kind not in ("filter", "schedule"):
        message = _("Only a trigger by filters or on a schedule has records that match now. Make an active list.")
        messages.error(request, message)
        return redirect("admin:workflow_review", workflow.pk)
    criteria, zone = definition.trigger.criteria, workflow_zone(definition.settings).key
    if criteria == ALL_RECORDS:
        criteria = EVERYBODY
    if hidden := hidden_in(request.user, compile(criteria, kind, now=now, zone=zone, stored=True)):
        told = _("The trigger looks at %(what)s, which you may not see.")
        raise PermissionDenied(told % {"what": hidden})
    facts = {"workflow": workflow.name[:60], "moment": moment(now)}
    found = keeping.create(kind, _("Matching “%(workflow)s”, %(moment)s") % facts, now=now, by=request.user)
    working.start(found, ListWork.Kind.ADD, now=now, criteria=criteria, zone=zone, by=request.user)
    ring("bulk")
    messages.success(request, _("The matching records are being added. Reload this page to see how far it has come."))
    return redirect("admin:records_recordlist_change", found.pk)
