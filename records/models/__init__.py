"""State of the records package, a file per aggregate."""

from records.models.api_token import ApiToken, IdempotentReply, Scope
from records.models.association import Association
from records.models.change import Change, ChangeKind, PendingChange
from records.models.import_run import ImportFault, ImportRun
from records.models.property_definition import PropertyDefinition
from records.models.record import Record
from records.models.segment import Membership, Segment, SegmentDependency

__all__ = [
    "ApiToken",
    "Association",
    "Change",
    "ChangeKind",
    "IdempotentReply",
    "ImportFault",
    "ImportRun",
    "Membership",
    "PendingChange",
    "PropertyDefinition",
    "Record",
    "Scope",
    "Segment",
    "SegmentDependency",
]
