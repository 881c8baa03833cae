"""Format data: a value made of others, for later steps to use; nothing is written (DOP-11 to DOP-14)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.actions.base import Action
from workflows.engine.named_values import own_parts, property_named, values_named
from workflows.formulas.computing import compute, kind_given
from workflows.formulas.date_functions import PATTERN_LIMIT
from workflows.formulas.functions import Run
from workflows.formulas.kinds import KINDS, kind_of, named
from workflows.formulas.nodes import FormulaError, Name, Node, names_in
from workflows.formulas.number_functions import DIGITS
from workflows.formulas.presets import FORMULA, PRESETS
from workflows.formulas.reading import read
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField, NumberField, TextField
from workflows.step_forms.formula_field import FormulaField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.sources import SourceField, own_slug, source_of
from workflows.times.wall_time import workflow_zone

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

RESULT = "result"
#: Results that are made of one another, at most: each takes the kind of the one before.
CHAIN = 40
SHOWN = 200
#: The two ways to say what to compute with.
EITHER = {"amount", "other"}
LIMIT = Decimal(10) ** 12
UNIT_LABELS = {
    "years": gettext_lazy("years"),
    "months": gettext_lazy("months"),
    "weeks": gettext_lazy("weeks"),
    "days": gettext_lazy("days"),
    "hours": gettext_lazy("hours"),
    "minutes": gettext_lazy("minutes"),
}


class ValueSource(SourceField):
    """A value to format: sensitive properties are not to be had, as in texts."""

    def offers(self, prop: Property) -> bool:
        return super().offers(prop) and not prop.sensitive


@dataclass(frozen=True)
class Formula:
    """What a step computes, the names it looks at, and the kind of its result."""

    node: Node
    names: dict[str, Property]
    kind: str


def format_choices() -> list[Any]:
    """The formats under their headings, the formula last."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for slug, preset in PRESETS.items():
        groups.setdefault(str(preset.group), []).append((slug, preset.label))
    return [("", "—"), *groups.items(), (FORMULA, gettext_lazy("A formula"))]


@actions.register
class FormatData(Action):
    slug = "format_data"
    label = gettext_lazy("Format data")
    description = gettext_lazy("Make a value of others, for later steps to use. No record is changed.")
    group = gettext_lazy("Data")
    icon = "wand"

    class Params(ParamsForm):
        format = ChoiceField(label=gettext_lazy("Format"), choices=format_choices)
        value = ValueSource(label=gettext_lazy("Value"))
        find = TextField(label=gettext_lazy("Part to look for"), max_length=1_000, strip=False)
        replacement = TextField(label=gettext_lazy("Put in its place"), max_length=1_000, required=False, strip=False)
        amount = NumberField(
            label=gettext_lazy("Number"), required=False, min_value=-LIMIT, max_value=LIMIT, decimal_places=6
        )
        other = ValueSource(label=gettext_lazy("and this value"))
        unit = ChoiceField(label=gettext_lazy("Unit"), choices=[("", "—"), *UNIT_LABELS.items()])
        between = TextField(
            label=gettext_lazy("Between them"), required=False, max_length=100, strip=False,
            help_text=gettext_lazy("A space, say. It is left out where one of the values is blank."),
        )  # fmt: skip
        digits = NumberField(
            label=gettext_lazy("Decimals"), required=False, min_value=0, max_value=DIGITS, decimal_places=0
        )
        pattern = TextField(
            label=gettext_lazy("Pattern"), max_length=PATTERN_LIMIT,
            help_text=gettext_lazy(
                "%d day, %m month, %Y year, %B the month’s name, %A the weekday’s, %H:%M the time."
            ),
        )  # fmt: skip
        formula = FormulaField(
            label=gettext_lazy("Formula"),
            help_text=gettext_lazy(
                "Values by name, texts in quotes, + - * / & = != < > and functions: join(\" \", contact.first_name, "
                "contact.last_name)."
            ),
        )  # fmt: skip

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["format"].widget.attrs["data-refresh"] = "panel"
            kept = needed(self.raw("format"))
            for name in [name for name in self.fields if name not in kept]:
                del self.fields[name]
            if self.fields.keys() >= EITHER:
                self.fields["other"].label, self.fields["other"].required = _("or another value"), False
            elif "amount" in self.fields:
                self.fields["amount"].required = True

        @classmethod
        def schema(cls, context: StepContext | None = None) -> dict[str, Any]:
            """All settings, whatever the format: which of them one takes is said by `problems`."""
            return super().schema(None)

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if self.errors or not cleaned.get("format"):
                return cleaned
            if self.fields.keys() >= EITHER and sum(cleaned.get(name) not in (None, "") for name in EITHER) != 1:
                raise ValidationError(_("Give a number, or another value to compute with: exactly one."))
            try:
                cleaned["made"] = formula_of(cleaned, self.context)
            except FormulaError as error:
                self.add_error(FORMULA if cleaned["format"] == FORMULA else "value", str(error))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        chosen = document.get("format")
        if chosen == FORMULA:
            text = document.get(FORMULA)
            if not isinstance(text, str) or not text.strip():
                return _("Write a formula")
            return text.strip()[:SHOWN]
        preset = PRESETS.get(chosen) if isinstance(chosen, str) else None
        if preset is None:
            return _("Choose a format")
        source = source_of(document.get("value"), context)
        if source is None:
            return _("%(format)s: choose a value") % {"format": preset.label}
        with_what = (worded(name, document.get(name), context) for name in preset.needs)
        values = ", ".join([str(source.label), *(text for text in with_what if text)])
        return _("%(format)s: %(values)s") % {"format": preset.label, "values": values}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        try:
            names = names_in(node_of(document, context))
            slugs = {own_parts(name, context)[0] for name in names}
        except FormulaError:
            return set()
        return {f"{context.object_type.slug}.{slug}" for slug in slugs if slug}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {RESULT: Property(RESULT, gettext_lazy("Result"), kind_of_result(document, context))}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        made: Formula = params["made"]
        values = values_named(batch, made.names)
        zone = workflow_zone(batch.definition.settings)
        result = Property(RESULT, "", made.kind)
        for enrollment in batch.enrollments:
            try:
                found = compute(made.node, values[enrollment.record_id], Run(batch.now, zone))
            except FormulaError as error:
                batch.fail(enrollment, "not_computed", error=str(error)[:500])
                continue
            stored = result.as_json(found)
            batch.output(enrollment, result=stored)
            batch.note(enrollment, kind=made.kind, result=stored[:SHOWN] if isinstance(stored, str) else stored)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        kind, stored = detail.get("kind"), detail.get("result")
        if stored is None:
            return _("The result was blank")
        shown = str(stored)
        if kind in KINDS:
            prop = Property(RESULT, "", str(kind))
            value = prop.stored(stored)
            shown = prop.display(value) if value is not None else shown
        return format_html(_("The result was “{result}”"), result=shown)


def needed(chosen: Any) -> tuple[str, ...]:
    """The settings of a format; only the choice of one while none is chosen."""
    if chosen == FORMULA:
        return ("format", FORMULA)
    preset = PRESETS.get(chosen) if isinstance(chosen, str) else None
    return ("format", "value", *preset.needs) if preset else ("format",)


def named_by(source: Any, context: StepContext) -> Name:
    """The name in formulas of what a field names."""
    slug = own_slug(source)
    return Name(f"{context.object_type.slug}.{slug}" if slug else str(source))


def node_of(document: dict[str, Any], context: StepContext) -> Node:
    """The formula of a setting, cleaned or as a document has it. Raises FormulaError when it is not finished."""
    chosen = document.get("format")
    if chosen == FORMULA:
        text = document.get(FORMULA)
        return read(text if isinstance(text, str) else "")
    preset = PRESETS.get(chosen) if isinstance(chosen, str) else None
    if preset is None or not isinstance(document.get("value"), str):
        raise FormulaError(_("Choose a format and a value."))
    settings: dict[str, Any] = {name: setting(name, document.get(name), context) for name in preset.needs}
    return preset.formula(named_by(document["value"], context), settings)


def setting(name: str, value: Any, context: StepContext) -> Any:
    if name == "other":
        return named_by(value, context) if value else None
    if name in ("amount", "digits"):
        number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return Decimal(str(value)) if number else Decimal(0)
    return value if isinstance(value, str) else ""


def worded(name: str, value: Any, context: StepContext) -> str:
    """A setting as the card has it; "" for one that is left out."""
    if name == "other":
        source = source_of(value, context)
        return str(source.label) if source else ""
    if name == "unit":
        return str(UNIT_LABELS.get(value, "")) if isinstance(value, str) else ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return f"“{value}”" if isinstance(value, str) and value else str(value)


def formula_of(document: dict[str, Any], context: StepContext) -> Formula:
    """What a finished setting computes. Raises FormulaError saying what does not fit."""
    node = node_of(document, context)
    names = Counter(names_in(node))
    known = {name: prop for name in names if (prop := property_named(name, context)) is not None}
    preset = PRESETS.get(document["format"])
    if preset is not None:
        first = known.get(named_by(document["value"], context).name)
        if first is not None and kind_of(first) not in preset.kinds:
            message = _("“%(format)s” takes %(wanted)s, but %(value)s is %(kind)s. Choose another value or format.")
            facts = {"format": preset.label, "wanted": named(preset.kinds)}
            raise FormulaError(message % (facts | {"value": first.label, "kind": KINDS[kind_of(first)]}))
    kind = kind_given(node, lambda name: kind_of(known[name]) if name in known else None)
    return Formula(node, known, kind)


def kind_of_result(document: dict[str, Any], context: StepContext) -> str:
    """The kind of a step's result; text while its formula cannot be read.

    A formula may take results of other ones: each is looked at once, and a circle of them in a draft ends.
    """
    known: dict[str, str] = context.shared.setdefault("kinds of results", {})
    key = context.step.id if context.step else ""
    if key not in known:
        waiting: list[str] = context.shared.setdefault("kinds being asked for", [])
        if key in waiting or len(waiting) >= CHAIN:
            return "text"
        waiting.append(key)
        try:
            known[key] = formula_of(document, context).kind
        except FormulaError:
            known[key] = "text"
        finally:
            waiting.pop()
    return known[key]
