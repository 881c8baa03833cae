"""Many ids for one statement."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BooleanField, Func


def array(ids: Iterable[int]) -> str:
    """Ids as the text of a PostgreSQL array, for `%s::bigint[]`: a list would have each of them turned into SQL."""
    return "{" + ",".join(map(str, ids)) + "}"


class OneOf(Func):
    """The condition that a column is one of an array's values: `OneOf("pk", ArraySubquery(…))`.

    With `IN` and a query PostgreSQL may join however it likes; here each value is looked up by an index.
    """

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = BooleanField()
