"""The form that maps a file's columns to properties and associations, and makes a plan of it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.activity_lines import TOLD
from records.associations import associations_of
from records.defining import slug_for
from records.importing.formats import DATE_LABELS, NUMBER_LABELS, date_format_of, decimal_mark_of
from records.importing.reading import Table
from records.importing.suggesting import guess_type
from records.models import ImportRun
from records.object_types import object_types
from records.problems import DocumentError
from records.property_access import rights_of
from records.property_types import property_types

NEW, LINK, LINK_OR_CREATE, COLUMN = "new:", "link:", "create:", "column:"
SAMPLES = 3
SAMPLE = 1_000


class MappingForm(forms.Form):
    """One choice per column, how its dates or numbers are written, and what tells which record a row means."""

    upsert_by = forms.ChoiceField(
        label=gettext_lazy("Which record does a row mean?"),
        required=False,
        help_text=gettext_lazy("Rows whose value exists change that record; importing twice then changes nothing."),
    )
    empty = forms.ChoiceField(
        label=gettext_lazy("What does an empty cell mean?"),
        required=False,
        choices=[
            ("keep", gettext_lazy("Unknown: keep what the record has")),
            ("clear", gettext_lazy("Nothing: empty the property of the record")),
        ],
    )

    def __init__(self, data: Any = None, *, run: ImportRun, table: Table, user: Any) -> None:
        super().__init__(data)
        self.table = table
        self.object_type = object_types[run.object_type]
        self.known = rights_of(user).seen(self.object_type, self.object_type.properties())
        self.suggested = run.plan or {}
        self.may_create = user.has_perm("records.add_propertydefinition")
        targets = self.targets()
        for i, header in enumerate(table.headers):
            field = forms.ChoiceField(label=header, choices=targets, required=False, initial=self.suggestion(header))
            self.fields[f"column_{i}"] = field
            self.add_format(i, header)
        name = self.known.get(self.object_type.name_property)
        self.name = name if name is not None and not name.read_only else None
        if self.name is not None:
            self.fields["name_template"] = forms.CharField(
                label=_("%(property)s, where no column gives it") % {"property": capfirst(str(self.name.label))},
                required=False,
                max_length=500,
                initial=self.suggested.get("set", {}).get(self.name.slug, ""),
                help_text=_("Columns in braces: {product} – {account}. After a “|” what to take when one is empty."),
            )
            self.fields["set_existing"] = forms.BooleanField(
                label=_("Also for records that exist already"),
                required=False,
                initial=self.suggested.get("set_existing", False),
                help_text=_("Otherwise only new records are named, and names people have given stay."),
            )
        key = self.fields["upsert_by"]
        assert isinstance(key, forms.ChoiceField)
        key.choices, key.initial = self.keys(), self.suggested_key()

    def targets(self) -> list[Any]:
        """What a column can become."""
        properties = [
            (slug, capfirst(str(prop.label)))
            for slug, prop in self.known.items()
            if not prop.read_only and prop.calculated is None
        ]
        links = [(slug, one) for slug, one in associations_of(self.object_type).items() if one.relation is None]
        links = [(slug, one) for slug, one in links if slug not in TOLD]
        named = [(LINK + slug, _("%(type)s of that name") % {"type": capfirst(str(a.to.label))}) for slug, a in links]
        named += [
            (
                LINK_OR_CREATE + slug,
                _("%(type)s of that name, created if missing") % {"type": capfirst(str(a.to.label))},
            )
            for slug, a in links
        ]
        groups: list[Any] = [("", _("Leave out")), (_("Properties"), properties), (_("Associate with"), named)]
        if self.may_create:
            made = [
                (NEW + slug, _("New property: %(type)s") % {"type": kind.label})
                for slug, kind in property_types.items()
                if slug != "user"
            ]
            groups.append((_("Create a property"), made))
        return groups

    def suggestion(self, header: str) -> str:
        """What the column is mapped to at first."""
        if header in self.suggested.get("columns", {}):
            return self.suggested["columns"][header]
        if header in self.suggested.get("create", {}):
            return NEW + self.suggested["create"][header]["type"] if self.may_create else ""
        linked = {one["column"]: one["type"] for one in self.suggested.get("associate", [])}
        return LINK + linked[header] if header in linked else ""

    def add_format(self, i: int, header: str) -> None:
        """A choice of the format where the column looks like dates or numbers with separators."""
        values = list(islice(self.table.values(header), SAMPLE))
        dates = date_format_of(values)
        if dates is not None:
            help_text = _("These dates can be read in two ways. Check.") if dates.ambiguous else ""
            self.add_choice(f"date_{i}", _("Dates in %(column)s") % {"column": header}, DATE_LABELS, dates, help_text)
        elif guess_type(self.table, header) == "number" and any(mark in v for v in values for mark in ".,"):
            marks = decimal_mark_of(values)
            help_text = _("These numbers can be read in two ways. Check.") if marks.ambiguous else ""
            label = _("Numbers in %(column)s") % {"column": header}
            self.add_choice(f"number_{i}", label, NUMBER_LABELS, marks, help_text)

    def add_choice(self, name: str, label: str, labels: Any, found: Any, help_text: str) -> None:
        self.fields[name] = forms.ChoiceField(
            label=label, choices=list(labels.items()), initial=found.format, required=False, help_text=help_text
        )

    def keys(self) -> list[tuple[str, str]]:
        """What can tell which record a row means: unique properties, the name, or a column made unique."""
        usable = [
            (slug, capfirst(str(prop.label)))
            for slug, prop in self.known.items()
            if (prop.unique or slug == self.object_type.name_property) and not prop.read_only
        ]
        made = [
            (COLUMN + header, _("New unique property from “%(column)s”") % {"column": header})
            for header in self.table.headers
            if slug_for(header) not in self.known
        ]
        return [("", _("Every row is a new record")), *usable, *(made if self.may_create else [])]

    def suggested_key(self) -> str:
        key = self.suggested.get("upsert_by", "")
        made = {slug_for(header): COLUMN + header for header in self.suggested.get("create", {})}
        return made.get(key, key)

    def rows(self) -> list[dict[str, Any]]:
        """Each column with its choice, its format and some of its values."""
        return [
            {
                "header": header,
                "field": self[f"column_{i}"],
                "format": next((self[f"{k}_{i}"] for k in ("date", "number") if f"{k}_{i}" in self.fields), None),
                "samples": list(islice(dict.fromkeys(islice(self.table.values(header), SAMPLE)), SAMPLES)),
            }
            for i, header in enumerate(self.table.headers)
        ]

    def plan(self) -> dict[str, Any]:
        """The plan document the choices make."""
        chosen = self.cleaned_data
        key = chosen.get("upsert_by") or None
        plan: dict[str, Any] = {"columns": {}, "create": {}, "associate": [], "dates": {}, "numbers": {}, "set": {}}
        for i, header in enumerate(self.table.headers):
            target = chosen.get(f"column_{i}", "")
            if key == COLUMN + header:
                kind = target.removeprefix(NEW) if target.startswith(NEW) else "text"
                plan["create"][header] = {"type": kind, "unique": True}
                key = slug_for(header)
            elif target.startswith(NEW):
                plan["create"][header] = {"type": target.removeprefix(NEW)}
            elif target.startswith((LINK, LINK_OR_CREATE)):
                verb, _colon, slug = target.partition(":")
                plan["associate"].append({"column": header, "type": slug, "create": f"{verb}:" == LINK_OR_CREATE})
            elif target:
                plan["columns"][header] = target
            for name, section in (("date", "dates"), ("number", "numbers")):
                if chosen.get(f"{name}_{i}") and target:
                    plan[section][header] = chosen[f"{name}_{i}"]
        if self.name is not None and chosen.get("name_template"):
            plan["set"][self.name.slug] = chosen["name_template"]
            plan["set_existing"] = chosen["set_existing"]
        return plan | {"upsert_by": key, "empty": chosen.get("empty") or "keep"}

    def refuse(self, error: DocumentError) -> None:
        """Show the problems of a plan beside the columns they are about."""
        for problem in error.problems:
            _section, _dot, header = problem.path.partition(".")
            place = self.table.headers.index(header) if header in self.table.headers else None
            self.add_error(None if place is None else f"column_{place}", str(problem.message))
