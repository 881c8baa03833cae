"""A property: a typed, named value of a record, held in a column or in the `custom` JSONB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, F, Func, JSONField, Model, Q, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, NullIf
from django.utils.functional import Promise

from records.property_types import PropertyType, property_types

Text = str | Promise


@dataclass(frozen=True)
class Option:
    """One value of a select property: what is stored, and what a person reads."""

    value: str
    label: Text


@dataclass(frozen=True)
class Property:
    """The definition of one property of an object type.

    `column` is the attribute name of the model's column (`owner_id` for a foreign key); None means a custom
    property, stored under `slug` in the record's `custom` JSONB. `options` are given, or fetched by a function
    (stages of a pipeline); those of an `open` property are suggestions, and other values are taken as well. Properties
    of a `group` are shown together, under its name. `calculated` is given only for those nobody writes
    (`number_of_…`).
    """

    slug: str
    label: Text
    type: str = "text"
    column: str | None = None
    options_source: tuple[Option, ...] | Callable[[], Iterable[Option]] = ()
    read_only: bool = False
    required: bool = False
    unique: bool = False
    sensitive: bool = False
    description: Text = ""
    group: Text = ""
    open: bool = False
    #: Why filters on it can never enroll a record again (REN-05); "" where they can.
    never_again: Text = ""
    calculated: Combinable | None = field(default=None, compare=False)

    @property
    def kind(self) -> PropertyType:
        return property_types[self.type]

    @property
    def custom(self) -> bool:
        return self.column is None and self.calculated is None

    @property
    def options(self) -> tuple[Option, ...]:
        source = self.options_source
        return tuple(source()) if callable(source) else source

    def expression(self) -> Any:
        """The property's value in SQL, of the type its kind compares with; NULL when the value is blank."""
        if self.calculated is not None:
            return self.calculated
        if self.column is not None:
            texts = NullIf(F(self.column), Value(""), output_field=TextField())
            return texts if self.kind.textual else F(self.column)
        if self.kind.multiple:
            return KeyTransform(self.slug, "custom", output_field=JSONField())
        stored = KeyTextTransform(self.slug, "custom", output_field=TextField())
        text = NullIf(stored, Value(""), output_field=TextField())
        if self.kind.textual:
            return text
        # What SQL or a property of another type has left there and cannot be read is blank, never an error.
        value = self.kind.output_field()
        readable = Func(
            text, Value(value.cast_db_type(connection)), function="pg_input_is_valid", output_field=BooleanField()
        )
        return Case(When(Q(readable), then=Cast(text, value)), default=None, output_field=value)

    def read(self, record: Model) -> Any:
        """The value of a loaded record as Python sees it (dates as dates, users as their id); None when blank."""
        if self.column is not None:
            value = getattr(record, self.column)
            return None if value == "" else value
        if self.custom:
            return self.stored(getattr(record, "custom", {}).get(self.slug))
        return getattr(record, self.slug, None)

    def stored(self, value: Any) -> Any:
        """A value of the `custom` JSONB or of the journal as Python; None when it is blank or of another type."""
        if value in (None, "", [], {}) or isinstance(value, list) != self.kind.multiple:
            return None
        if self.kind.multiple:
            return [str(part) for part in value]
        try:
            return self.kind.from_storage(str(value) if self.kind.textual else value)
        except (ValueError, TypeError, ArithmeticError):
            return None

    def clean(self, raw: Any) -> Any:
        """A value from outside (JSON, a form, a CSV cell) as Python; None when blank.

        Raises ValueError with a whole sentence naming the value and the remedy.
        """
        return self.kind.clean(raw, self)

    def write(self, record: Any, value: Any) -> None:
        """Set a cleaned value on a record, without saving it."""
        if self.column is not None:
            column = record._meta.get_field(self.column.removesuffix("_id") if self.type == "user" else self.column)
            blank = "" if value is None and not column.null else value
            setattr(record, self.column, blank)
            return
        custom: dict[str, Any] = record.custom
        if value is None:
            custom.pop(self.slug, None)
        else:
            custom[self.slug] = self.kind.to_storage(value)

    def as_json(self, value: Any) -> Any:
        return None if value is None else self.kind.as_json(value)

    def display(self, value: Any) -> str:
        """What a person reads; "" for a blank."""
        return "" if value is None else self.kind.display(value, self)
