"""Lines of a file as rows to save: formats applied, templates filled, names of users and records looked up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.importing.formats import as_iso, as_plain_number, date_format_of, decimal_mark_of
from records.importing.plan import Linking, Plan, fill
from records.importing.reading import Line, Table
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.saving import Row, save_batch
from records.saving.matching import holders


@dataclass
class Converted:
    """One line ready to be saved. `errors` keep it out; `warnings` say what was left out of it."""

    line: Line
    properties: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)
    associations: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unassociated: bool = False
    ownerless: bool = False

    @property
    def row(self) -> Row:
        return Row(self.properties, associations=self.associations, initial=self.initial)


class Converter:
    """Converts the lines of one table by one plan; formats and users are found once."""

    def __init__(self, object_type: ObjectType, plan: Plan, table: Table, actor: Any = None) -> None:
        self.plan = plan
        self.actor = actor
        self.properties = object_type.properties()
        by_family = {column: self.properties[slug].kind.family for column, slug in plan.columns.items()}
        self.dates = {
            column: plan.dates.get(column) or format_of_dates(table, column)
            for column, family in by_family.items()
            if family == "date"
        }
        self.numbers = {
            column: plan.numbers.get(column) or decimal_mark_of(table.values(column)).format
            for column, family in by_family.items()
            if family == "number"
        }
        self.users = users_by_name() if "user" in by_family.values() else {}

    def convert(self, lines: Sequence[Line]) -> list[Converted]:
        """Rows for lines, in order. What cannot be read is an error of its row only."""
        rows = [self.row_of(line) for line in lines]
        for linking in self.plan.associate:
            self.associate(linking, rows)
        return rows

    def row_of(self, line: Line) -> Converted:
        row = Converted(line)
        if line.surplus:
            row.errors.append(
                ngettext(
                    "The row has %(count)d cell more than there are columns. Check its quotation marks.",
                    "The row has %(count)d cells more than there are columns. Check its quotation marks.",
                    line.surplus,
                )
                % {"count": line.surplus}
            )
        for column, slug in self.plan.columns.items():
            prop, cell = self.properties[slug], line.cells[column]
            if prop.type == "user":
                self.name_user(row, prop, cell)
            elif cell:
                try:
                    row.properties[slug] = self.value(column, prop, cell)
                except ValueError as error:
                    row.errors.append(f"{prop.label}: {error}")
            elif self.plan.clear and slug not in (self.plan.upsert_by, *self.plan.set):
                row.properties[slug] = None
        self.fill_templates(row)
        return row

    def fill_templates(self, row: Converted) -> None:
        """Set what no column gives: for new records, and where the plan says so for all."""
        for slug, template in self.plan.set.items():
            if slug not in row.properties and (text := fill(template, row.line.cells)):
                always = self.plan.set_existing or slug == self.plan.upsert_by
                (row.properties if always else row.initial)[slug] = text

    def value(self, column: str, prop: Property, cell: str) -> Any:
        """A cell as Property.clean reads it: dates in ISO, numbers plain."""
        if column in self.dates:
            name = self.dates[column]
            return as_iso(cell, name) if name else cell
        if column in self.numbers:
            return as_plain_number(cell, self.numbers[column])
        return cell

    def name_user(self, row: Converted, prop: Property, cell: str) -> None:
        """Find a user by username, full name or email; a row without one is imported all the same."""
        found = self.users.get(cell.casefold()) if cell else None
        if found is not None and len(found) == 1:
            row.properties[prop.slug] = next(iter(found))
            return
        row.ownerless = True
        facts = {"property": prop.label, "name": cell}
        if found is not None:
            message = _("%(property)s: several users are called “%(name)s”. Use the username.")
            row.warnings.append(message % facts)
        elif cell:
            message = _("%(property)s: there is no user “%(name)s”. Add the user and import again.")
            row.warnings.append(message % facts)

    def associate(self, linking: Linking, rows: list[Converted]) -> None:
        """Associate each row with the record its cell names."""
        other = object_types[linking.type]
        ids = self.find(linking, other, {row.line.cells[linking.column] for row in rows} - {""})
        for row in rows:
            value = row.line.cells[linking.column]
            found = ids.get(value, [])
            if len(found) == 1:
                row.associations.append({"type": linking.type, "id": found[0], "label": linking.label})
                continue
            row.unassociated = True
            facts = {"type": other.label, "types": other.label_plural, "value": value, "count": len(found)}
            if found:
                message = _("%(count)d %(types)s are called “%(value)s”, so none was associated.")
                row.warnings.append(message % facts)
            elif value:
                message = _("There is no %(type)s “%(value)s” to associate. Import it first, or let it be created.")
                row.warnings.append(message % facts)

    def find(self, linking: Linking, other: ObjectType, values: set[str]) -> dict[str, list[int]]:
        """Ids of the records each value names; those missing are created where the plan says so."""
        prop = other.properties()[linking.by]
        cleaned = {}
        for value in values:
            try:
                cleaned[value] = prop.clean(value)
            except ValueError:
                continue
        held = holders(other, prop, cleaned.values())
        key = (lambda value: value) if prop.column is not None else (lambda v: str(prop.kind.to_storage(v)))
        found = {value: held.get(key(clean), []) for value, clean in cleaned.items()}
        missing = sorted(value for value, ids in found.items() if not ids)
        if linking.create and missing:
            by = linking.by if prop.unique or linking.by == other.name_property else None
            rows = [Row({linking.by: value}) for value in missing]
            made = save_batch(other, rows, upsert_by=by, partial=True, actor=self.actor, source="import")
            found |= {value: [one.id] for value, one in zip(missing, made, strict=True) if one.id is not None}
        return found


def format_of_dates(table: Table, column: str) -> str | None:
    """The format of a column somebody has said to be dates: half of them are enough to tell, the others are faulty."""
    found = date_format_of(table.values(column), share=0.5)
    return found.format if found else None


def users_by_name() -> dict[str, set[int]]:
    """Ids of users by everything a file may call them, in small letters."""
    found: dict[str, set[int]] = {}
    users = get_user_model()._default_manager.all()
    for user in users:
        names = {user.get_username(), user.get_full_name(), user.email} - {""}
        for name in names:
            found.setdefault(name.casefold(), set()).add(user.pk)
    return found


def counted(rows: Sequence[Converted], statuses: Sequence[str]) -> Counter[str]:
    """How many rows ended how."""
    counts = Counter("failed" if status == "invalid" else status for status in statuses)
    imported = [row for row, status in zip(rows, statuses, strict=True) if status != "invalid"]
    counts["unassociated"] = sum(row.unassociated for row in imported)
    counts["ownerless"] = sum(row.ownerless for row in imported)
    return counts
