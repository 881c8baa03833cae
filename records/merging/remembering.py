"""What has become of merged records: which one they went into."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from records.merging.movers import Merge
from records.models import MergedRecord
from records.object_types import ObjectType


def remember(merge: Merge) -> None:
    """Note that the loser went into the winner, and so did what had gone into the loser before."""
    slug = merge.object_type.slug
    earlier = MergedRecord.objects.filter(object_type=slug, winner_id=merge.loser)
    earlier.update(winner_id=merge.winner)
    MergedRecord.objects.create(
        object_type=slug, record_id=merge.loser, winner_id=merge.winner, merged_at=merge.now, merged_by_id=merge.by
    )


def merged_into(object_type: ObjectType, ids: Iterable[int]) -> dict[int, int]:
    """For each of these records that was merged, the id of the one it has gone into in the end."""
    found = MergedRecord.objects.filter(object_type=object_type.slug, record_id__in=list(ids))
    return dict(found.values_list("record_id", "winner_id"))


def gone_into(object_type: ObjectType, record_id: int, winner_id: int) -> str:
    """The sentence for whoever asks for a record that was merged; the other one may have been deleted since."""
    if object_type.records().filter(pk=winner_id).exists():
        message = _("The %(type)s %(id)d was merged into the %(type)s %(winner)d. Use that one.")
    else:
        message = _("The %(type)s %(id)d was merged into the %(type)s %(winner)d, which was deleted since.")
    return message % {"type": object_type.label, "id": record_id, "winner": winner_id}
