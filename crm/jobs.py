"""Background jobs of the CRM. They carry no payload: what is to be done is in the database."""

from __future__ import annotations

import logging

import django_rq
from django.db import transaction
from redis.exceptions import RedisError

from records.clock import database_now
from records.importing.running import run_pending_imports
from records.models import ImportRun

SECONDS = 45
logger = logging.getLogger(__name__)


def import_rows() -> int:
    """Work on waiting imports for a while; comes back while there are more. How many rows were done."""
    rows = run_pending_imports(database_now(), SECONDS)
    if rows and ImportRun.objects.filter(status__in=["pending", "running"]).exists():
        ring()
    return rows


def ring() -> None:
    """Ask a worker to look for imports, once the transaction is committed. Without Redis the clock finds them."""
    transaction.on_commit(enqueue, robust=True)


def enqueue() -> None:
    try:
        django_rq.get_queue("bulk").enqueue(import_rows)
    except (RedisError, OSError):
        logger.warning("Redis does not answer; the clock will find the import.")
