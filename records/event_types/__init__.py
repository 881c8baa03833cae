"""Which events there are: one file per family in an `event_types` package of any app, and the custom ones.

An app's `event_types/__init__.py` loads its files with `event_types.load("app.event_types")`; it is found when the
apps are ready. Custom event types live in a table (records.models.CustomEventType) and are asked for anew each time.
"""

from records.event_types.base import EventType, event_types
from records.event_types.known import event_type, known_event_types

__all__ = ["EventType", "event_type", "event_types", "known_event_types"]
