"""Places at which a test may kill the process, to prove that nothing is lost or done twice."""

from __future__ import annotations

import os
import signal

from django.conf import settings


def reach(name: str) -> None:
    """Die here, as by `kill -9`, when the environment's HEADRACE_FAILPOINT names this place (only with DEBUG)."""
    if settings.DEBUG and os.environ.get("HEADRACE_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
