"""Params of actions on labels: which of the enrolled record's associations, and the label they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy

from records.associations import AssociationType, associations_of
from records.labelling import PRIMARY, one_primary_each
from records.object_types import ObjectType
from workflows.step_forms.forms import TextField
from workflows.step_forms.targets import AssociationField, TargetForm, Targets

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

LABEL_LIMIT = 60
Pair = tuple[int, int]


def label_field(label: Any, **facts: Any) -> TextField:
    return TextField(label=label, max_length=LABEL_LIMIT, **facts)


class LinksForm(TargetForm):
    """Associated records, which the enrolled one is linked with in a way that has labels."""

    of = AssociationField(label=gettext_lazy("Records"))

    @classmethod
    def takes(cls, own: ObjectType, other: ObjectType) -> bool:
        """Never the enrolled record itself."""
        return False

    @classmethod
    def offered(cls, own: ObjectType) -> dict[str, AssociationType]:
        return {slug: one for slug, one in associations_of(own).items() if one.relation is None}


class NewLabelForm(LinksForm):
    new_label = label_field(
        gettext_lazy("Label"),
        help_text=gettext_lazy("Write it as it stands on other associations: “primary” makes the primary one."),
    )


def pairs_of(targets: Targets) -> list[Pair]:
    return [(pk, other) for pk, found in targets.by_record.items() for other in found]


def room_for(batch: Batch, targets: Targets, label: str) -> set[Pair]:
    """The pairs that may have the label, in the order of the enrollments; others than those become no primary ones.

    Records that would get several primary ones are answered as skipped.
    """
    pairs = pairs_of(targets)
    if label != PRIMARY:
        return set(pairs)
    several = targets.object_type.slug in batch.object_type.one_primary
    crowded = {pk for pk, found in targets.by_record.items() if several and len(found) > 1}
    records = str(targets.object_type.label_plural)
    batch.skip([one for one in batch.enrollments if one.record_id in crowded], "several_primary", records=records)
    return one_primary_each(batch.object_type, targets.object_type, [pair for pair in pairs if pair[0] not in crowded])


def answer(batch: Batch, targets: Targets, changed: set[Pair], reason: str, **facts: Any) -> None:
    """Tell of each enrollment how many of its associations changed; with a reason where none did."""
    records = str(targets.object_type.label_plural)
    for enrollment in batch.enrollments:
        found = targets.of(enrollment)
        count = sum((enrollment.record_id, other) in changed for other in found)
        batch.output(enrollment, changed=count)
        if count:
            batch.done(enrollment, of=targets.object_type.slug, records=count, **facts)
        elif found and enrollment.id not in batch.answers:
            batch.skip(enrollment, reason, records=records, **facts)
