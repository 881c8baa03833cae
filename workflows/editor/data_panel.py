"""The data panel: what can be inserted into a text at a step, with what it would be for a record (DAT-01, DAT-17)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from records.object_types import object_types
from records.seeing import name_for
from workflows.data_sources.declared import LIMIT, added
from workflows.data_sources.known import KnownSource
from workflows.data_sources.previewing import found_unseen, may_insert, previews
from workflows.data_sources.uses import steps_using
from workflows.data_sources.words import described, picked
from workflows.definitions.definition import Definition, Step
from workflows.definitions.ways import label_of
from workflows.formulas.functions import FUNCTIONS
from workflows.step_forms.offered_tokens import EVENT, OUTPUT, RECORD, Origin, in_token, origins
from workflows.step_forms.params import StepContext

FORMULA, FUNCTION = "formula", "function"


@dataclass(frozen=True)
class Offer:
    """One thing to insert: as a text has it, as people call it, and what it is for the record that is looked at."""

    text: str
    label: str
    value: str


@dataclass(frozen=True)
class Listed:
    """One data source as the list shows it."""

    known: KnownSource
    sentence: str
    picked: str
    steps: list[tuple[Step, str]]
    deletable: bool

    @property
    def example(self) -> str:
        return f"{{{{ {self.known.id}.{self.known.object_type.name_property} }}}}"


class DataPanel:
    """What the panel shows at a step; `kind` is how its field has data: "token" or "formula"."""

    def __init__(
        self, definition: Definition, step: Step | None, user: Any, *, kind: str, chosen: str, record: Any = None
    ) -> None:
        self.definition, self.kind, self.record = definition, kind, record
        self.context = StepContext(definition, step, user)
        self.asked = chosen

    @cached_property
    def origins(self) -> list[Origin]:
        """Where one may take values from; those of nothing are left out, but for sources."""
        found = [origin for origin in origins(self.context) if origin.choices or origin.source]
        if self.kind == FORMULA:
            functions = [(one.example, f"{one.name}: {one.help}") for one in FUNCTIONS.values()]
            found.append(Origin(FUNCTION, _("Functions, with an example each"), functions))
        return found

    @property
    def groups(self) -> list[tuple[str, list[Origin]]]:
        """The choices under headings: what the workflow knows by itself, and data sources."""
        own = [origin for origin in self.origins if origin.source is None]
        sources = [origin for origin in self.origins if origin.source is not None]
        named = ((_("This workflow"), own), (_("Data sources"), sources))
        return [(heading, found) for heading, found in named if found]

    @cached_property
    def chosen(self) -> Origin:
        by_key = {origin.key: origin for origin in self.origins}
        return by_key.get(self.asked) or by_key.get(RECORD) or self.origins[0]

    @cached_property
    def offers(self) -> list[Offer]:
        """What can be inserted, without what the person may not see."""
        if self.chosen.key == FUNCTION:
            return [Offer(text, label, "") for text, label in self.chosen.choices]
        names = [(name, label) for name, label in self.chosen.choices if may_insert(name, self.chosen, self.context)]
        values: dict[str, str] = {}
        if self.record is not None:
            values = previews(self.chosen, [name for name, _label in names], self.context, self.record)
        return [Offer(self.written(name), label, values.get(name, "")) for name, label in names]

    def written(self, name: str) -> str:
        return name if self.kind == FORMULA else f"{{{{ {in_token(name)} }}}}"

    @property
    def previewed(self) -> bool:
        """Whether values can be told beforehand: not those of events and steps to come."""
        return self.record is not None and not self.told_later and self.chosen.key not in (EVENT, OUTPUT, FUNCTION)

    @property
    def told_later(self) -> str:
        """Why there are no values to show; "" where there are."""
        if self.chosen.key == EVENT:
            return _("Known when an event enrolls the record.")
        if self.chosen.key == OUTPUT:
            return _("Known when the earlier step has run.")
        if found_unseen(self.chosen, self.context):
            return _("The source finds its record by a property you may not see, so no values are shown.")
        return ""


def listed(definition: Definition, user: Any) -> list[Listed]:
    """The sources of a definition, those people have added first."""
    context, own = StepContext(definition, None, user), added(definition)
    found = []
    for source_id, known in sorted(context.sources.items(), key=lambda pair: pair[0] not in own):
        steps = [(step, label_of(step, definition)) for step in steps_using(definition, source_id)]
        found.append(Listed(known, described(known), picked(known), steps, source_id in own))
    return found


def room(definition: Definition) -> int:
    """How many more sources may be added."""
    return max(LIMIT - len(added(definition)), 0)


def name_of(record: Any, definition: Definition, user: Any) -> str:
    """What a record is called, or its number for those who may not see what its name is made of."""
    return name_for(user, object_types[definition.object], record)
