"""A merged contact has been in the sequences of both, and goes on in one at most: its own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.models import SequenceEnrollment, SequenceRun
from crm.sequences import agents
from crm.sequences.enrolling import current
from crm.sequences.leaving import Status, end
from records.merging.movers import Merge, Mover, movers
from records.object_types import ObjectType
from workflows.models import Delivery


@movers.register
class Sequences(Mover):
    slug = "sequences"
    tables = (SequenceEnrollment._meta.db_table, SequenceRun._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        if merge.object_type.slug != "contact":
            return []
        found = current([merge.winner, merge.loser])
        if merge.loser not in found:
            return []
        facts = {"name": found[merge.loser].sequence.name}
        if merge.winner in found:
            return [_("It leaves the sequence “%(name)s”, as nobody is in two at a time.") % facts]
        return [_("Its place in the sequence “%(name)s” moves over.") % facts]

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug != "contact":
            return
        found = current([merge.winner, merge.loser])
        if merge.winner in found and merge.loser in found:
            end([found[merge.loser].pk], Status.UNENROLLED, reason="merged", by=merge.by, now=merge.now)
        SequenceEnrollment.objects.filter(contact_id=merge.loser).update(contact_id=merge.winner)

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        if object_type.slug == "contact":
            # The mails, and what a model was asked about the contact; the rest goes with it.
            runs = SequenceRun.objects.filter(enrollment__contact__in=ids, delivery_id__isnull=False)
            Delivery.objects.filter(pk__in=list(runs.values_list("delivery_id", flat=True))).delete()
            entered = SequenceEnrollment.objects.filter(contact__in=ids).values_list("pk", flat=True)
            agents.questions(entered).delete()
