"""What an operator should be told about the settings before it hurts."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from config import services
from workflows.engine.claiming import lease
from workflows.engine.limits import of_deliveries
from workflows.watchdog import batch_seconds


@register()
def lasting_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every process must sign with the same key, and secrets must outlive it."""
    return [
        Warning(
            f"{variable} is not set, and {services.home()} holds no generated one.",
            hint="Set it, or run any command through manage.py once, which generates it into HEADRACE_HOME.",
            id=identifier,
        )
        for variable, identifier in (("SECRET_KEY", "config.W001"), ("HEADRACE_SECRET_KEYS", "config.W002"))
        if not os.environ.get(variable) and not services.secret(variable.lower())
    ]


@register()
def batches_end_before_their_lease(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A batch that may take longer than its lease would be run by two workers, of which one works in vain."""
    limit, owned = batch_seconds(), lease().total_seconds()
    if not limit or limit < owned:
        return []
    return [
        Error(
            f"WORKFLOW_BATCH_SECONDS is {limit:.0f}, and a batch belongs to its worker for {owned:.0f} s only.",
            hint="Make WORKFLOW_BATCH_SECONDS smaller than WORKFLOW_LEASE_SECONDS.",
            id="config.E001",
        )
    ]


@register()
def delivery_limits_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A limit that cannot be read would keep every delivery of its kind from leaving."""
    found: list[CheckMessage] = []
    for kind in getattr(settings, "WORKFLOW_DELIVERY_LIMITS", {}):
        try:
            of_deliveries(kind)
        except ValueError as error:
            found.append(Error(str(error), hint="A number, a slash, and minute, hour or day.", id="config.E002"))
    return found
