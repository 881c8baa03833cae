"""Tracked terms and the calls that were there before them.

New transcripts are looked through as they are written (crm.call_triggers). When a term is new, or is said in other
words from now on, earlier calls are looked through in the background, some at a time.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from crm.chores import ring
from crm.models import TrackedTerm
from records.journal import change_source
from records.signals import announce_on_commit
from workflows.chores import Chore, chores

#: Calls looked through in one transaction.
AT_A_TIME = 500
# Writing the column has the database detect all terms anew; only calls of which the answer for this term is another.
SEARCH = """
    WITH next AS MATERIALIZED (
        SELECT id, transcript, tracked_terms FROM crm_call WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
    ),
    changed AS (
        UPDATE crm_call c SET tracked_terms = '[]'::jsonb FROM next n
        WHERE c.id = n.id AND (n.transcript <> '' AND n.transcript ~* %(pattern)s)
            IS DISTINCT FROM COALESCE(n.tracked_terms ? %(slug)s, false)
    )
    SELECT max(id) FROM next
"""
FORGET = "UPDATE crm_call SET tracked_terms = '[]'::jsonb WHERE tracked_terms ? %s"


def search_earlier(term: TrackedTerm) -> None:
    """Have the calls there are looked through for a term that is new or was changed in this transaction."""
    with connection.cursor() as cursor:
        # Whoever writes a call now either is done, and the call is found, or waits and knows the term then.
        cursor.execute("LOCK TABLE crm_call IN SHARE ROW EXCLUSIVE MODE")
    TrackedTerm.objects.filter(pk=term.pk).update(searched_to=0)
    ring()


def remove(term: TrackedTerm) -> None:
    """Remove a term, and from the calls in which it was found."""
    with change_source("admin"), transaction.atomic():
        slug = term.slug
        term.delete()
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [slug])
        announce_on_commit()


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """`now` while earlier calls have to be looked through."""
    return now if TrackedTerm.objects.filter(searched_to__isnull=False).exists() else None


def work(now: dt.datetime) -> int:
    """Look through the next calls for the first term that waits; how many terms are nearer to their end."""
    with transaction.atomic(), change_source("command"):
        waiting = TrackedTerm.objects.select_for_update(skip_locked=True).filter(searched_to__isnull=False)
        term = waiting.order_by("pk").first()
        if term is None:
            return 0
        with connection.cursor() as cursor:
            facts = {"after": term.searched_to, "limit": AT_A_TIME, "pattern": term.pattern, "slug": term.slug}
            cursor.execute(SEARCH, facts)
            last = cursor.fetchone()[0]
        TrackedTerm.objects.filter(pk=term.pk).update(searched_to=last)
        announce_on_commit()
    return 1


def register_term_chore() -> None:
    """Called once, when the apps are ready."""
    chores.append(Chore(waiting_since, work))
