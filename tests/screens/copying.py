"""More rows of any model: copies of those that are there, with names of all kinds."""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models

#: Names as people have them, and as they make layouts break. The shortest field that has a name takes 60 characters.
ODD = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "شركة الشرق الأوسط للتجارة والتوزيع",
    "🚀🎉 Launch 🧑‍🚀",
    "A name with a great many words that go on and on, because somebody has pasted a whole sentence into the field, "
    "and then another one",
    "<b>Bold & Sons</b>",
    "חברת הבנייה של ירושלים",
    "株式会社日本のとても長い会社名",
)
PLAIN = ("Berg", "Lind", "Costa", "Okafor", "Novak", "Haddad", "Silva", "Murray", "Kovacs", "Petit", "Rossi", "Yilmaz")
#: What a row is called by, the first of these that it has.
TITLES = ("name", "title", "subject", "label", "last_name", "reference", "file_name", "survey")
#: One name in so many is odd, and one in so many is blank, where it may be.
ODD_EVERY, BLANK_EVERY = 9, 31
AT_ONCE = 2_000


def name_of(number: int) -> str:
    if number % ODD_EVERY == 4:
        return ODD[number // ODD_EVERY % len(ODD)]
    return f"{PLAIN[number % len(PLAIN)]} {number + 1:,}"


def more(model: type[models.Model], count: int, *, of: Any = None, **facts: Any) -> list[Any]:
    """Make `count` copies of the rows `of` (the first three), each with these facts; unique ones are made so.

    A fact that can be called is asked for each copy's number. Raises LookupError where there is nothing to copy.
    """
    every = model._base_manager.all() if of is None else of
    rows = list(every.order_by("pk")[:3])
    if not rows:
        raise LookupError(f"There is no {model._meta.label} to make more of.")
    start = model._base_manager.count()
    fresh = (altered(rows[n % len(rows)], start + n, facts) for n in range(count))
    made: list[Any] = []
    while batch := list(taken(fresh, AT_ONCE)):
        made += model._base_manager.bulk_create(batch)
    return made


def taken(rows: Iterator[Any], count: int) -> Iterable[Any]:
    for _place, row in zip(range(count), rows, strict=False):
        yield row


def altered(row: models.Model, number: int, facts: dict[str, Any]) -> models.Model:
    """A copy of a row that does not come in conflict with it."""
    fresh = copy.copy(row)
    fresh._state = copy.copy(row._state)
    fresh._state.adding, fresh.pk = True, None
    fields = {field.name: field for field in fresh._meta.concrete_fields if not field.primary_key}
    title = next((name for name in TITLES if name in fields), "")
    for name, field in fields.items():
        if getattr(field, "generated", False):
            continue
        value = changed(field, getattr(fresh, field.attname), number, title=name == title)
        setattr(fresh, field.attname, value)
    for name, value in facts.items():
        setattr(fresh, name, value(number) if callable(value) else value)
    return fresh


def changed(field: Any, value: Any, number: int, *, title: bool) -> Any:
    length = getattr(field, "max_length", None) or 250
    if isinstance(field, models.EmailField):
        return f"person{number}@a-rather-long-domain-name.example.com" if value else value
    if isinstance(field, models.UUIDField):
        return uuid.uuid4() if field.unique else value
    if isinstance(field, models.DateTimeField):
        return value - dt.timedelta(minutes=7 * number) if value else value
    if title and isinstance(field, models.CharField):
        if number % BLANK_EVERY == 30 and not field.unique:
            return ""
        return f"{number} {name_of(number)}"[:length] if field.unique else name_of(number)[:length]
    if field.unique and isinstance(field, models.CharField):
        ending = f"{'_' if isinstance(value, str) and '-' not in value else '-'}{number}"
        return f"{str(value)[: length - len(ending)]}{ending}"
    return value
