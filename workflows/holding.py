"""Holding a workflow still while it is switched or published: steps are over before, or have not begun.

Whoever takes steps holds the workflow's lock in common with others who do, until the steps are committed. Whoever
changes how it runs has the lock alone: it waits for the steps being done, and none begins meanwhile.
"""

from __future__ import annotations

from django.db import OperationalError, connection
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem

#: First part of the lock's key; the second is the workflow's id.
STILL = 7303
#: How long somebody who switches a workflow waits for its steps, at most.
PATIENCE = "20s"
#: How long somebody who changes single enrollments waits for each lock.
PATIENCE_WITH_STEPS = "5s"
#: Part of a SELECT: true when steps of the workflow of an enrollment may begin. Never waits.
MAY_STEP = f"""
    (SELECT pg_try_advisory_xact_lock_shared({STILL}, workflow_id::int) FROM workflows_enrollment WHERE id = %(first)s)
"""


class Held(Exception):
    """No step of the workflow may begin: it is paused, or being switched or published just now."""


def hold_still(workflow_id: int) -> None:
    """Wait until no step of the workflow is being done, and let none begin before the transaction ends.

    To be taken before any other lock. Raises DocumentError when a step goes on for longer than anybody would wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)", [PATIENCE])
        before = cursor.fetchone()[0]
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [STILL, workflow_id])
        except OperationalError as error:
            message = _("A step of the workflow is still being done. Nothing was changed; try again in a moment.")
            raise DocumentError([Problem("", message, code="busy")]) from error
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])


def hold_with_steps(workflow_id: int) -> None:
    """Let the workflow not be switched or published before the transaction ends, as whoever takes steps does.

    Steps go on beside it. Each lock, those asked for afterwards too, is waited for a few seconds; then it raises
    OperationalError (LockNotAvailable).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE_WITH_STEPS])
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [STILL, workflow_id])
