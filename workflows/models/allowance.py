"""What limits have let through lately."""

from __future__ import annotations

from django.db import models


class Allowance(models.Model):
    """The tokens of one limit: each comes back a period after it was taken.

    `scope` is "workflow:<id>" or "delivery:<kind>". `taken` counts the tokens that are out by the slice of time in
    which they were taken. `full_until`: none is free before; `queue_until`: when the last who was told to wait may
    ask again.
    """

    scope = models.CharField(max_length=100, primary_key=True)
    taken = models.JSONField(default=dict)
    full_until = models.DateTimeField(null=True)
    queue_until = models.DateTimeField(null=True)
