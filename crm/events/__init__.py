"""What records of the CRM can wait for; found by `autodiscover_modules("events")`."""

from workflows.registries import events

events.load("crm.events")
