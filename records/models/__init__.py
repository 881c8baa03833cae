"""State of the records package, a file per aggregate."""

from records.models.api_token import ApiToken, IdempotentReply, Scope
from records.models.association import Association
from records.models.change import Change, ChangeKind, PendingChange
from records.models.event import CustomEventProperty, CustomEventType, Event, EventKey, PendingEvent
from records.models.import_run import ImportedRecord, ImportFault, ImportRun
from records.models.list import ListWork, RecordList
from records.models.merged_record import MergedRecord
from records.models.property_access import Access, PropertyAccess, PropertyAccessChange
from records.models.property_definition import PropertyDefinition
from records.models.record import Record
from records.models.segment import Membership, Segment, SegmentDependency

__all__ = [
    "Access",
    "ApiToken",
    "Association",
    "Change",
    "ChangeKind",
    "CustomEventProperty",
    "CustomEventType",
    "Event",
    "EventKey",
    "IdempotentReply",
    "ImportFault",
    "ImportRun",
    "ImportedRecord",
    "ListWork",
    "Membership",
    "MergedRecord",
    "PendingChange",
    "PendingEvent",
    "PropertyAccess",
    "PropertyAccessChange",
    "PropertyDefinition",
    "Record",
    "RecordList",
    "Scope",
    "Segment",
    "SegmentDependency",
]
