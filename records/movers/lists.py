"""The winner is in every static list in which the loser is; active lists follow the changes by themselves.

The loser's own places stay, as those of other deleted records do: members are records that exist.
"""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from records.lists import members
from records.merging.movers import Merge, Mover, movers
from records.models import ListWork, Membership, RecordList, Segment
from records.object_types import ObjectType


@movers.register
class Lists(Mover):
    slug = "lists"
    # The members of other segments are made anew from their criteria. Work on lists passes over who is gone.
    tables = (Membership._meta.db_table, ListWork._meta.db_table, Segment._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        names = list(lists_of(merge).values_list("name", flat=True))
        if not names:
            return []
        return [_("It joins the static lists of the other: %(names)s.") % {"names": ", ".join(names)}]

    def move(self, merge: Merge) -> None:
        for found in lists_of(merge).order_by("pk"):
            members.add(found, [merge.winner], now=merge.now)
            since = Membership.objects.get(segment=found.segment_id, record_id=merge.loser).since
            mine = Membership.objects.filter(segment=found.segment_id, record_id=merge.winner)
            mine.update(since=Least(F("since"), since))

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        segments = list(Segment.objects.filter(object_type=object_type.slug).values_list("pk", flat=True))
        Membership.objects.filter(segment__in=segments, record_id__in=ids).delete()


def lists_of(merge: Merge) -> QuerySet[RecordList]:
    """The static lists in which the loser is."""
    return RecordList.objects.filter(
        object_type=merge.object_type.slug, kind=RecordList.Kind.STATIC,
        segment__memberships__record_id=merge.loser,
    )  # fmt: skip
