"""What moves when records merge, of the CRM."""

from records.merging import movers

movers.load("crm.movers")
