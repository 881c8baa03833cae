"""What became of the mails of sequences: sent, or given up, which ends the way of who did not get one."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from django.db import connection, transaction

from crm.models import Email, SequenceEnrollment, SequenceRun
from crm.sequences.leaving import end
from records.journal import change_source

AT_A_TIME = 500
Status = SequenceEnrollment.Status
WAITING = """
    SELECT min(r.at) FROM crm_sequencerun r JOIN workflows_delivery d ON d.id = r.delivery_id
    WHERE NOT r.settled AND d.state IN ('done', 'dead', 'skipped')
"""
KNOWN = """
    SELECT r.id, r.enrollment_id, r.record_id, d.state, d.done_at, d.last_error
    FROM crm_sequencerun r JOIN workflows_delivery d ON d.id = r.delivery_id
    WHERE NOT r.settled AND d.state IN ('done', 'dead', 'skipped')
    ORDER BY r.id LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
"""
#: How the error of a mail begins whose receiver the other server will never have.
NO_SUCH_BOX = "SMTPRecipientsRefused"


def waiting_since() -> dt.datetime | None:
    """Since when it has been known what became of a mail, and was not noted."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        found: dt.datetime | None = cursor.fetchone()[0]
        return found


def settle(now: dt.datetime) -> int:
    """Note on the emails what became of them; how many, AT_A_TIME at most."""
    with transaction.atomic(), change_source("sequence"):
        with connection.cursor() as cursor:
            cursor.execute(KNOWN, {"limit": AT_A_TIME})
            rows = cursor.fetchall()
        sent: dict[dt.datetime, list[int]] = defaultdict(list)
        failed, ends = [], defaultdict(list)
        for _pk, enrollment, email, state, done_at, error in rows:
            if state == "done":
                sent[done_at or now].append(email)
                continue
            failed.append(email)
            if state == "dead":
                bounced = error.startswith(NO_SUCH_BOX)
                ends[(Status.BOUNCED, "") if bounced else (Status.STOPPED, "not_sent")].append(enrollment)
        for at, some in sent.items():
            Email.objects.filter(pk__in=some, status=Email.Status.SCHEDULED).update(
                status=Email.Status.SENT, sent_at=at
            )
        Email.objects.filter(pk__in=failed, status=Email.Status.SCHEDULED).update(status=Email.Status.FAILED)
        SequenceRun.objects.filter(pk__in=[pk for pk, *_rest in rows]).update(settled=True)
        for (status, reason), some in ends.items():
            end(some, status, reason=reason, now=now)
    return len(rows)
