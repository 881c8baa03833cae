"""Statements that end as those do that took too long, without taking any time."""

from __future__ import annotations


def ends_as_after(seconds: int) -> str:
    """SQL that is cancelled where a statement may take so many seconds and no more, and is harmless anywhere else.

    A short limit would do as well on a quick machine; on a busy one it would end other statements, too.
    """
    limited = f"current_setting('statement_timeout') = '{seconds}s'"
    return f"pg_sleep(CASE WHEN {limited} AND pg_cancel_backend(pg_backend_pid()) THEN 60 ELSE 0 END)"
