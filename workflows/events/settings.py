"""The settings of an event where it is chosen: its own, and filters on its properties."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.clock import database_now
from records.criteria.parsing import parse
from records.criteria.tree import JOINS
from records.criteria.widget import CriteriaField
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from workflows.definitions.definition import Definition, Trigger
from workflows.events.base import Event
from workflows.step_forms.params import ParamsForm, StepContext


class WhereField(CriteriaField):
    """Filters on the properties of an event: a list, drawn by the criteria builder as one group."""

    def __init__(self, rows: ObjectType | None) -> None:
        super().__init__(label=gettext_lazy("Only with"), required=False)
        self.rows = rows
        self.aim(rows)

    def use_context(self, context: StepContext) -> None:
        self.aim(self.rows)

    def prepare_value(self, value: Any) -> Any:
        return grouped(value) if isinstance(value, list) and value else value

    def to_python(self, value: Any) -> Any:
        document = super().to_python(value)
        return listed(document) if isinstance(document, dict) else document

    def validate(self, value: Any) -> None:
        """The parser's problems, with their places in the list."""
        self.problems = []
        if value is None or self.rows is None:
            return
        if not isinstance(value, list):
            raise ValidationError(_("%(value)r is not a list of filters. Send a list.") % {"value": value})
        if not value:
            return
        try:
            parse({"all": value}, self.rows)
        except DocumentError as error:
            self.problems = [
                Problem(p.path.removeprefix("all."), p.message, p.value, p.severity) for p in error.problems
            ]
            raise ValidationError([ValidationError(problem.message) for problem in self.problems]) from error

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "object"}, "x-criteria": self.rows.slug if self.rows else True}


def grouped(where: list[Any]) -> dict[str, Any]:
    """A list of filters as the builder has it: groups under one word."""
    if len(where) == 1 and isinstance(where[0], dict) and set(where[0]) <= set(JOINS):
        return dict(where[0])
    return {"any": [{"all": where}]}


def listed(document: dict[str, Any]) -> list[Any]:
    """What the builder made as a list of filters that all have to be met."""
    groups = document.get("any")
    if isinstance(groups, list) and len(groups) == 1 and (found := filters_of(groups[0])) is not None:
        return found
    found = filters_of(document)
    return [document] if found is None else found


def filters_of(group: Any) -> list[Any] | None:
    """The filters of an “all” group; None for anything else, of which the parser says what is wrong."""
    if isinstance(group, dict) and set(group) == {"all"} and isinstance(group["all"], list):
        return list(group["all"])
    return None


class EventForm(ParamsForm):
    """An event's settings and its filters; bound to an item of a trigger's `events`, or to what a page sent."""

    def __init__(
        self,
        event: Event,
        data: Any = None,
        *,
        document: dict[str, Any] | None = None,
        context: StepContext,
        prefix: str | None = None,
    ) -> None:
        """`prefix` is for several on one page; the document's keys have none."""
        self.event, self.prefix = event, prefix
        if document is not None and prefix:
            document = {self.add_prefix(key): value for key, value in document.items()}
        super().__init__(data, document=document, context=context)
        for name, own in event.fields().items():
            self.fields[name] = own
            prepare(own, self)
        add_where(self, event)


def add_where(form: ParamsForm, event: Event) -> None:
    """Give a form filters on an event's properties, where it has some with the settings chosen."""
    chosen = {name: form.raw(name) for name in form.fields}
    rows = event.rows(chosen, form.context.object_type)
    if rows is not None:
        form.fields["where"] = WhereField(rows)


def prepare(own: Any, form: ParamsForm) -> None:
    """What ParamsForm does with fields it knows from the beginning."""
    if hasattr(own, "use_context"):
        own.use_context(form.context)
    if hasattr(own, "use_form"):
        own.use_form(form)


def context_of(object_type: str, user: Any = None) -> StepContext:
    """A context for settings that stand in no step."""
    trigger = Trigger("event", {})
    return StepContext(Definition("", object_type, "", trigger, (), {}, {}, {}, {}), None, user)


def describe(event: Event, document: dict[str, Any], context: StepContext) -> str:
    """The event and its filters in a sentence without an end, also when they are not finished."""
    sentence = event.describe(document, context)
    where = document.get("where")
    rows = event.rows(document, context.object_type) if where else None
    if rows is None or not isinstance(where, list):
        return sentence
    try:
        filters = criteria.compile({"all": where}, rows, now=database_now(), stored=True).text
    except DocumentError:
        return _("%(event)s with filters that are not finished") % {"event": sentence}
    return _("%(event)s with (%(criteria)s)") % {"event": sentence, "criteria": filters}
