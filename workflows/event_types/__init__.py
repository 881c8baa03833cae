"""What workflows do to records, as events; found by `autodiscover_modules("event_types")`."""

from records.event_types import event_types

event_types.load("workflows.event_types")
