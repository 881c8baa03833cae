"""What happens to records of the CRM; found by `autodiscover_modules("event_types")`."""

from records.event_types import event_types

event_types.load("crm.event_types")
