"""Many ids for one statement."""

from __future__ import annotations

from collections.abc import Iterable


def array(ids: Iterable[int]) -> str:
    """Ids as the text of a PostgreSQL array, for `%s::bigint[]`: a list would have each of them turned into SQL."""
    return "{" + ",".join(map(str, ids)) + "}"
