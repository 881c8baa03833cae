"""The winner was added, or changed, by the imports that have added or changed the loser."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from records.merging.movers import Merge, Mover, movers
from records.models import ImportedRecord
from records.object_types import ObjectType


@movers.register
class Imports(Mover):
    slug = "imports"
    tables = (ImportedRecord._meta.db_table,)

    def tell(self, merge: Merge) -> list[str]:
        if not imported(merge, merge.loser).exists():
            return []
        return [_("Filters on imports find it by those of the other, too.")]

    def move(self, merge: Merge) -> None:
        known = dict(imported(merge, merge.winner).values_list("run", "added"))
        rows = list(imported(merge, merge.loser))
        new = [ImportedRecord(run_id=row.run_id, record_id=merge.winner, added=row.added) for row in rows]
        ImportedRecord.objects.bulk_create(row for row in new if row.run_id not in known)
        gained = [row.run_id for row in new if row.added and not known.get(row.run_id)]
        imported(merge, merge.winner).filter(run__in=gained).update(added=True)

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        ImportedRecord.objects.filter(run__object_type=object_type.slug, record_id__in=ids).delete()


def imported(merge: Merge, record_id: int) -> QuerySet[ImportedRecord]:
    return ImportedRecord.objects.filter(run__object_type=merge.object_type.slug, record_id=record_id)
