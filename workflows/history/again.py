"""Why a record that was inside is not enrolled again: which re-enrollment did not begin (HIS-19)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from records import criteria
from records.models import Membership
from records.moments import moment
from records.problems import DocumentError
from workflows.enrollment import reenrolling
from workflows.enrollment.doors import closed_because
from workflows.history import absence
from workflows.history.explanation import Question
from workflows.models import Subscription
from workflows.times.wall_time import workflow_zone


def why_not_again(question: Question) -> list[str]:
    """As sentences; whoever asks has been told already that the record was inside."""
    document = question.definition.document
    if (gone := absence.gone(question)) is not None:
        return gone.sentences
    if closed_because(question.workflow):
        return [absence.closed_sentence(question.workflow)]
    if not reenrolling.allowed(document):
        return [_("It has left since, and is not enrolled again because re-enrollment is off.")]
    for ask in (absence.withheld, absence.kept_out):
        if (answer := ask(question)) is not None:
            return answer.sentences
    kind = question.definition.trigger.kind
    if kind == "filter":
        told = _("It has left since. It can be enrolled again by a change of one of the ticked filters, or by hand.")
        return [told, *by_filters(question)]
    told = _("It has left since. It can be enrolled again, as re-enrollment is on.")
    return [told, *absence.BY_TRIGGER[kind](question).sentences]


def by_filters(question: Question) -> list[str]:
    """Of each ticked filter, whether it is met all along or not at all: only its beginning enrolls again (REN-06)."""
    watched = Subscription.objects.filter(
        revision=question.workflow.live, purpose=Subscription.Purpose.REENROLLMENT
    ).order_by("pk")
    ticked = reenrolling.ticked(question.definition.document)
    mine = Membership.objects.filter(record_id=question.record_id, segment__in=watched.values("segment"))
    since = dict(mine.values_list("segment", "since"))
    found = []
    for document, segment in zip(ticked, watched.values_list("segment", flat=True), strict=False):
        facts = {"filter": text_of(question, document)}
        if segment in since:
            told = _("%(filter)s: met since %(when)s, so it would have to stop being met and be met anew.")
            found.append(told % (facts | {"when": moment(since[segment])}))
        else:
            found.append(
                _("%(filter)s: not met. Once it is, and the other filters are, the record is enrolled again.") % facts
            )
    return found


def text_of(question: Question, document: object) -> str:
    zone = workflow_zone(question.definition.settings)
    try:
        return criteria.compile(document, question.kind, now=question.now, zone=zone, stored=True).text
    except DocumentError:
        return _("a filter that cannot be read any more")
