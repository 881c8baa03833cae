"""What happened to the loser has happened to the winner, also what nobody has looked at yet."""

from __future__ import annotations

from django.utils.translation import ngettext

from records.merging.movers import Merge, Mover, movers
from records.models import Event, PendingEvent
from records.object_types import ObjectType


@movers.register
class Events(Mover):
    slug = "events"
    tables = (Event._meta.db_table, PendingEvent._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        count = Event.objects.filter(object_type=merge.object_type.slug, record_id=merge.loser).count()
        if not count:
            return []
        return [ngettext("%(count)d event moves over.", "%(count)d events move over.", count) % {"count": count}]

    def move(self, merge: Merge) -> None:
        for rows in (Event.objects, PendingEvent.objects):
            mine = rows.filter(object_type=merge.object_type.slug, record_id=merge.loser)
            mine.update(record_id=merge.winner)

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        # What still waits to be looked at finds nobody, as it does for every deleted record.
        Event.objects.filter(object_type=object_type.slug, record_id__in=ids).delete()
