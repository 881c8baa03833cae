"""What editors in browsers show, so that only what has changed since is sent to them: kept in Redis for all processes.

Without it, or without Redis, the whole canvas is sent: nothing hangs on it but time.
"""

from __future__ import annotations

import json
import time
import zlib

import redis
from django.conf import settings

from records.api.throttling import PAUSE
from workflows.editor.pieces import Drawn, Mark, Seen

#: How long a canvas is remembered that nobody changes, in seconds.
KEPT = 6 * 3600
#: And one that somebody has changed: who looks at the same has as long to be sent no more than that.
CHANGED = 15 * 60


class Shown:
    """Canvases by workflow and name."""

    def __init__(self) -> None:
        self.paused_until = 0.0
        self.client: redis.Redis | None = None

    def keep(self, workflow: int, drawn: Drawn, before: str = "") -> None:
        """Remember a canvas that is sent to somebody, in place of the one with the name `before`."""
        if time.monotonic() < self.paused_until:
            return
        seen = zlib.compress(json.dumps(drawn.seen).encode(), 1)
        try:
            calls = self.redis().pipeline(transaction=False)
            if before:
                calls.expire(key(workflow, before), CHANGED)
            calls.set(key(workflow, drawn.name), seen, ex=KEPT)
            calls.execute()
        except (redis.RedisError, ValueError):
            self.paused_until = time.monotonic() + PAUSE

    def find(self, workflow: int, name: str) -> Seen | None:
        """What a canvas with this name looked like; None where that is not known any more."""
        if not name or time.monotonic() < self.paused_until:
            return None
        try:
            found = self.redis().get(key(workflow, name))
        except (redis.RedisError, ValueError):
            self.paused_until = time.monotonic() + PAUSE
            return None
        if not isinstance(found, bytes):
            return None
        try:
            lines, marks = json.loads(zlib.decompress(found))
            return Seen(lines, [Mark(*mark) for mark in marks])
        except (zlib.error, TypeError, ValueError):
            # Kept by another version.
            return None

    def redis(self) -> redis.Redis:
        if self.client is None:
            self.client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry_on_timeout=False
            )
        return self.client


def key(workflow: int, name: str) -> str:
    return f"headrace:canvas:{workflow}:{name[:64]}"


shown = Shown()
