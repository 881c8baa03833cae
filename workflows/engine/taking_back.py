"""What a process had claimed when it died is free again as soon as it has been started again, not when a lease ends.

Whoever starts processes gives each place a name that stays (HEADRACE_PROCESS; `manage.py up` does). Claims carry a
mark of the name, so that the next process of that name knows what its predecessor has left. The claim counts as one in
vain: what kills its worker each time is claimed in ever smaller parts, and fails alone in the end. Without a name, and
where a transaction of the dead still holds the rows, the lease decides as ever.
"""

from __future__ import annotations

import hashlib
import logging
import os
import uuid
from typing import Any

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

NAME = "HEADRACE_PROCESS"
MARK_BYTES = 8
#: Among so many of the first and of the last due of each workflow what was left is looked for.
SEEN = 5_000
STATEMENT_TIMEOUT = "5s"
#: What becomes of a claim in vain.
FREE = "claim = NULL, claimed_until = NULL, attempts = LEAST(e.attempts + 1, 1000)"
DUE = """
    SELECT e.id, e.claim FROM workflows_enrollment e
    WHERE e.workflow_id = w.id AND e.status = 'active' AND e.due_at <= statement_timestamp()
"""
TAKE_BACK = f"""
    UPDATE workflows_enrollment e SET {FREE}
    WHERE e.id = ANY(ARRAY(
        SELECT e.id FROM workflows_enrollment e
        WHERE e.claim BETWEEN %(first)s AND %(last)s AND e.status = 'active' AND e.id = ANY(ARRAY(
            SELECT found.id FROM workflows_workflow w CROSS JOIN LATERAL (
                ({DUE} ORDER BY e.due_at LIMIT %(seen)s) UNION ALL ({DUE} ORDER BY e.due_at DESC LIMIT %(seen)s)
            ) found WHERE found.claim BETWEEN %(first)s AND %(last)s
        )) FOR UPDATE SKIP LOCKED
    ))
"""


def mark_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:MARK_BYTES]


def new_token() -> uuid.UUID:
    """A token nobody else has; it begins with the mark of this process where it has a name."""
    name = os.environ.get(NAME, "")
    if not name:
        return uuid.uuid4()
    return uuid.UUID(bytes=mark_of(name) + os.urandom(16 - MARK_BYTES))


def take_back() -> int:
    """Free what the last process of this one's name had claimed when it died; how many enrollments it was.

    Called once, before the first claim. Best effort: what cannot be had is left to its lease.
    """
    name = os.environ.get(NAME, "")
    if not name:
        return 0
    mark = mark_of(name)
    rest = 16 - MARK_BYTES
    facts: dict[str, Any] = {
        "first": uuid.UUID(bytes=mark + bytes(rest)), "last": uuid.UUID(bytes=mark + b"\xff" * rest), "seen": SEEN,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
            cursor.execute(TAKE_BACK, facts)
            found = int(cursor.rowcount)
    except OperationalError as error:
        logger.warning("What %s had claimed before is left to its lease: %s", name, str(error).strip())
        return 0
    if found:
        logger.info("%d enrollments the last %s had claimed are free again.", found, name)
    return found
