"""What criteria are written in terms of beyond the code: custom properties, users, options kept in tables.

`version` tells in one cheap statement whether any of it has changed, so that what was read from documents can be
kept until it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import connection, models

if TYPE_CHECKING:
    from records.properties import Option

Version = tuple[int, ...]
Found = TypeVar("Found")
#: The models that functions for options read, besides custom properties and users.
read_for_options: list[type[models.Model]] = []
#: Of these models only some columns are read: other changes of their rows do not count.
columns_read: dict[type[models.Model], tuple[str, ...]] = {}
#: Whether a function for options is running: it reads only what counts.
listing: ContextVar[bool] = ContextVar("listing", default=False)
#: What has been read within `read_once`, by who reads it; None outside of it.
memory: ContextVar[dict[Any, Any] | None] = ContextVar("memory", default=None)
#: A statement about one table, as Django writes them, and what makes it ask for more than the table's rows.
ONE_TABLE = re.compile(r'SELECT .*? FROM "(\w+)"(?: (?:WHERE|ORDER BY|LIMIT) .*)?', re.DOTALL)
MORE = re.compile(r" FROM .* (?:FROM|JOIN) |_TIMESTAMP|\bNOW\(|\bCURRENT_|\bRANDOM\(", re.DOTALL | re.IGNORECASE)


@contextmanager
def read_once() -> Iterator[None]:
    """Within this, an object type's properties and the options of each of them are read once, however often asked for.

    For a page or a check that asks for them a hundred times and changes none of them; nothing outlives it. One within
    another one begins anew.
    """
    token = memory.set({})
    try:
        yield
    finally:
        memory.reset(token)


def remembered(key: Any, read: Callable[[], Found]) -> Found:
    """What `read` gives; within `read_once` what it gave the first time."""
    known = memory.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: Found = known[key]
    return found


class ListedIn:
    """Options fetched from tables; `models` are all that the function reads.

    `columns` are all it reads of rows that change often for other reasons. Criteria on properties whose options come
    from a plain function are read anew each time. `closed_to` says which of them a person is not to know of.
    """

    def __init__(
        self,
        fetch: Callable[[], Iterable[Option]],
        *models: type[models.Model],
        columns: tuple[str, ...] = (),
        closed_to: Callable[[Any], Collection[str]] | None = None,
    ) -> None:
        self.fetch, self.closed_to = fetch, closed_to
        for model in models:
            if columns and model not in read_for_options:
                columns_read[model] = columns
            elif not columns:
                columns_read.pop(model, None)
            if model not in read_for_options:
                read_for_options.append(model)

    def __call__(self) -> Iterable[Option]:
        return remembered(self, self.read)

    def read(self) -> tuple[Option, ...]:
        token = listing.set(True)
        try:
            return tuple(self.fetch())
        finally:
            listing.reset(token)


def version() -> Version:
    """Another value after any row of these tables was added, changed or removed.

    Every row carries the numbers of the transaction (xmin) and of the command in it (cmin) that wrote it, and these
    only grow: with as many rows as before, a change makes one of the two sums greater. Of tables of which only some
    columns are read, their content counts instead. Ask before reading the tables: then what is read may be newer than
    its version, and is read once more, but never older.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement())
        return version_in(cursor.fetchall())


def version_once() -> Version:
    """The version; within `read_once` that of the first time, which has to be before anything is read."""
    return remembered("version of the vocabulary", version)


def statement() -> str:
    """What `version` asks, for those who ask other things, too."""
    from records.models import PropertyDefinition

    read: list[type[models.Model]] = [PropertyDefinition, get_user_model(), *read_for_options]
    return " UNION ALL ".join(sums_of(model) for model in read)


def sums_of(model: type[models.Model]) -> str:
    """What tells whether a table has changed."""
    quote, table = connection.ops.quote_name, connection.ops.quote_name(model._meta.db_table)
    if columns := columns_read.get(model):
        row = ", ".join(quote(column) for column in columns)
        return f"SELECT count(*), COALESCE(bit_xor(hashtextextended(ROW({row})::text, 0)), 0), 0::bigint FROM {table}"
    sums = "count(*), COALESCE(sum(xmin::text::bigint), 0)::bigint, COALESCE(sum(cmin::text::bigint), 0)::bigint"
    return f"SELECT {sums} FROM {table}"


def version_in(rows: Iterable[tuple[Any, ...]]) -> Version:
    """The version, from the rows of `statement`."""
    return tuple(number for row in rows for number in row)


def covers(sql: str) -> bool:
    """Whether a statement reads only what `version` counts; False where that cannot be seen at a glance.

    What functions for options read is covered, as they say what that is.
    """
    from records.models import PropertyDefinition

    if listing.get():
        return True
    found = ONE_TABLE.fullmatch(sql)
    read: list[type[models.Model]] = [PropertyDefinition, get_user_model(), *read_for_options]
    whole = {model._meta.db_table for model in read if model not in columns_read}
    return found is not None and not MORE.search(sql) and found[1] in whole
