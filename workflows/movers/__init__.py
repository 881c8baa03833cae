"""What moves when records merge, of workflows."""

from records.merging import movers

movers.load("workflows.movers")
