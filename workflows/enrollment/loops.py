"""Records a workflow has made itself: it creates nothing for them, lest it go on for ever (ACG-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from records.journal import MERGED_FROM
from records.models import Change, ChangeKind

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


def made_here(batch: Batch) -> set[int]:
    """The batch's records that a step of this very workflow has created, as the journal says."""
    found = Change.objects.filter(
        object_type=batch.object_type.slug,
        record_id__in=batch.ids,
        kind=ChangeKind.CREATED,
        source__kind="workflow",
        source__workflow=batch.workflow.pk,
    ).exclude(source__has_key=MERGED_FROM)
    return set(found.values_list("record_id", flat=True))


def without_made_here(batch: Batch) -> Batch:
    """The batch without the records this workflow has made, which are answered as skipped."""
    made = made_here(batch)
    if not made:
        return batch
    batch.skip([one for one in batch.enrollments if one.record_id in made], "made_here")
    return batch.part([one for one in batch.enrollments if one.record_id not in made])
