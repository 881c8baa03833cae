"""A step's policy for failures, as its definition says it (ACG-12)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys

KEYS = {"retry", "then"}
RETRY_LIMIT = 20


def parse_on_failure(document: Any, path: str, faults: list[Problem]) -> tuple[int, bool]:
    """A step's `on_failure`: retries and whether it stops. Absent means that the record goes on (ACG-12)."""
    if document is None:
        return 0, False
    if not isinstance(document, dict):
        message = _("“on_failure” is a JSON object like {“retry”: 3, “then”: “stop”}, not %(value)r.")
        faults.append(Problem(path, message % {"value": document}, document))
        return 0, False
    faults += unknown_keys(document, KEYS, path)
    retries, then = document.get("retry", 0), document.get("then", "continue")
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= RETRY_LIMIT:
        message = _("%(value)r is not a number of retries. Use a whole number from 0 to %(limit)d.")
        faults.append(Problem(f"{path}.retry", message % {"value": retries, "limit": RETRY_LIMIT}, retries))
        retries = 0
    if then not in ("continue", "stop"):
        message = _("%(value)r is not known here. Use “continue” or “stop”.")
        faults.append(Problem(f"{path}.then", message % {"value": then}, then))
    return retries, then == "stop"
