"""State of the records package, a file per aggregate."""

from records.models.association import Association
from records.models.change import Change, ChangeKind, PendingChange
from records.models.property_definition import PropertyDefinition
from records.models.record import Record
from records.models.segment import Membership, Segment, SegmentDependency

__all__ = [
    "Association",
    "Change",
    "ChangeKind",
    "Membership",
    "PendingChange",
    "PropertyDefinition",
    "Record",
    "Segment",
    "SegmentDependency",
]
