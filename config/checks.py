"""What an operator should be told about the settings before it hurts."""

from __future__ import annotations

import os
from typing import Any

from django.core.checks import CheckMessage, Warning, register

from config import services


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
