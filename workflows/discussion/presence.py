"""Who has a workflow's editor open: each says so every few seconds, and who is silent is gone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from workflows.models import Presence, Workflow

#: How often an open editor says so, in seconds; who has not for longer than AWAY is gone: seen within half a minute.
EVERY = 8
AWAY = dt.timedelta(seconds=20)
#: When what is left of those who were last in an editor is swept away.
FORGOTTEN = dt.timedelta(days=1)


def seen(workflow: Workflow, step: str, *, user: Any, now: dt.datetime) -> None:
    """A person looks at the editor, with the panel of a step (its id, "trigger" or "") open."""
    mine = Presence.objects.filter(workflow=workflow, user=user, seen_at__gte=now - AWAY)
    if mine.update(seen_at=now, step=step):
        return
    Presence.objects.filter(workflow=workflow, seen_at__lt=now - FORGOTTEN).delete()
    Presence.objects.bulk_create(
        [Presence(workflow=workflow, user=user, step=step, since=now, seen_at=now)],
        update_conflicts=True, unique_fields=["workflow", "user"], update_fields=["step", "since", "seen_at"],
    )  # fmt: skip


def others(workflow: Workflow, *, user: Any, now: dt.datetime) -> list[Presence]:
    """Who else looks at it, whoever came first first."""
    here = Presence.objects.filter(workflow=workflow, seen_at__gte=now - AWAY).exclude(user=user)
    return list(here.select_related("user").order_by("since", "pk"))
