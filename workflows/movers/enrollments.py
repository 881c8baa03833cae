"""Enrollments of a record that is merged into another one.

Those that run end, with the reason “merged”: nobody walks a workflow twice. All of them belong to the winner then, so
that its history is the history of both, and who was inside as either counts as having been inside. What an enrollment
was about stays in its cause (`merged_from`).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import F, Func, JSONField, Q, QuerySet, Value
from django.utils.translation import ngettext

from records.merging.movers import SOURCE, Merge, Mover, movers
from records.merging.remembering import merged_into
from records.models import ChangeKind, PendingChange
from records.object_types import ObjectType, object_types
from workflows.enrollment.leaving import unenroll
from workflows.enrollment.reviving import stopped
from workflows.intake.reacting import EVENT
from workflows.models import (
    CodeRun,
    Delivery,
    Enrollment,
    EventWait,
    MassEnrollment,
    Notification,
    ScheduledRecord,
    SetAside,
    WebhookRequest,
)

MERGED = "merged"


@movers.register
class Enrollments(Mover):
    slug = "enrollments"
    # Waits end with their enrollments. What is still to be enrolled is passed over, and so are changes that were set
    # aside; links to it, from notifications and from what webhooks were sent, lead to the winner.
    tables = (
        Enrollment._meta.db_table, EventWait._meta.db_table, MassEnrollment._meta.db_table,
        ScheduledRecord._meta.db_table, SetAside._meta.db_table, Notification._meta.db_table,
        WebhookRequest._meta.db_table,
    )  # fmt: skip

    def hold(self, merge: Merge) -> None:
        # Whoever takes steps locks enrollments before the records they change.
        list(running(merge).select_for_update(no_key=True, of=("self",)).order_by("pk").values("pk"))

    def tell(self, merge: Merge) -> list[str]:
        count = running(merge).count()
        if not count:
            return []
        message = ngettext(
            "It is in %(count)d workflow, which ends for it: the record that stays is not enrolled in its place.",
            "It is in %(count)d workflows, which end for it: the record that stays is not enrolled in its place.",
            count,
        )
        return [message % {"count": count}]

    def move(self, merge: Merge) -> None:
        unenroll(running(merge), reason=MERGED, by=None, now=merge.now)
        # One that an error has stopped would go on as the winner.
        stopped(of(merge)).update(step="")
        about = Value({"merged_from": merge.loser}, output_field=JSONField())
        first = Func(about, F("cause"), template="%(expressions)s", arg_joiner=" || ", output_field=JSONField())
        of(merge).update(record_id=merge.winner, cause=first)
        pass_on(merge)

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        """That there were enrollments, and how they ended, stays; what was in them and what they have sent goes."""
        mine = Enrollment.objects.filter(record_id__in=ids, workflow__object_type=object_type.slug)
        entered = list(mine.values_list("pk", flat=True))
        if entered:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM workflows_stepexecution WHERE enrollment_id = ANY(%s)", [entered])
            EventWait.objects.filter(enrollment__in=entered).delete()
            CodeRun.objects.filter(enrollment__in=entered).delete()
            Delivery.objects.filter(enrollment_id__in=entered).delete()
            Enrollment.objects.filter(pk__in=entered).exclude(outputs={}).update(outputs={})
        Notification.objects.filter(object_type=object_type.slug, record_id__in=ids).delete()
        SetAside.objects.filter(record_id__in=ids, occurrence__object_type=object_type.slug).delete()


def pass_on(merge: Merge) -> None:
    """Events that were set aside have happened to the winner, as those have that wait in the queue."""
    slug, happened = merge.object_type.slug, {"object_type": merge.object_type.slug, "record_id": merge.loser}
    told = Q(occurrence__contains=happened | {"as": "event"}) | Q(occurrence__contains=happened | {"kind": EVENT})
    same = Q(hindrance__segment=None) | Q(hindrance__segment__object_type=slug)
    rows = SetAside.objects.filter(told, same, record_id=merge.loser)
    winner = Value({"record_id": merge.winner}, output_field=JSONField())
    now = Func(F("occurrence"), winner, template="%(expressions)s", arg_joiner=" || ", output_field=JSONField())
    rows.update(record_id=merge.winner, occurrence=now)


def of(merge: Merge) -> QuerySet[Enrollment]:
    """The loser's enrollments."""
    return Enrollment.objects.filter(workflow__object_type=merge.object_type.slug, record_id=merge.loser)


def running(merge: Merge) -> QuerySet[Enrollment]:
    return of(merge).filter(status=Enrollment.Status.ACTIVE)


def follow(pending: Iterable[PendingChange]) -> None:
    """Have merges take along who was being enrolled while they were made: nobody could see them then."""
    for change in pending:
        source = change.source or {}
        if change.kind == ChangeKind.MERGED and source.get("kind") == SOURCE:
            kind = object_types[change.object_type]
            # The winner may have gone into another one since.
            winner = merged_into(kind, [change.record_id]).get(change.record_id, change.record_id)
            Enrollments().move(Merge(kind, winner, source["loser"], source.get("actor"), change.at))
