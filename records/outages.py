"""Failures of the database, told from failures of what it was asked."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from psycopg import errors

#: What the database reports like an outage, although the same statement would always end so.
LASTING = (errors.ProgramLimitExceeded, errors.StatementTooComplex, errors.ConfigurationLimitExceeded)


def passing(error: Exception) -> bool:
    """Whether the database or the line to it failed, so that everything is done again, not what was asked of it."""
    if isinstance(error.__cause__, errors.ReadOnlySqlTransaction):
        return True
    return isinstance(error, (OperationalError, InterfaceError)) and not isinstance(error.__cause__, LASTING)


def cut_short(error: Exception) -> bool:
    """Whether a statement took longer than it may (STATEMENT_TIMEOUT), or somebody has ended it by hand."""
    return isinstance(error.__cause__, errors.QueryCanceled)


def outage(error: Exception) -> bool:
    """Like `passing`, without statements that were cut short.

    Those might take as long each time: whoever does them again before everything else keeps everybody waiting.
    """
    return passing(error) and not cut_short(error)
