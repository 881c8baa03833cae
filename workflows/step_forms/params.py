"""The settings of a step: one Django form is the editor's panel, the JSON schema, the check and the runtime type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.translation import gettext as _

from records.object_types import ObjectType, object_types
from records.problems import Problem
from records.properties import Property
from workflows.step_forms.refusals import sentences

if TYPE_CHECKING:
    from workflows.data_sources.known import KnownSource
    from workflows.definitions.definition import Definition, Step


@dataclass(frozen=True)
class StepContext:
    """Where a step stands: what its form, checks and sentences may refer to. `user` is None for the engine.

    `workflow` is the id of the definition's own workflow where that is known.
    """

    definition: Definition
    step: Step | None = None
    user: Any = None
    workflow: int | None = None
    #: What was read for one step and serves the others of the same definition, too.
    shared: dict[str, Any] = dataclass_field(default_factory=dict, repr=False, compare=False)

    @property
    def object_type(self) -> ObjectType:
        return object_types[self.definition.object]

    @cached_property
    def properties(self) -> Mapping[str, Property]:
        """The object type's properties by slug, read once for this context."""
        return self.object_type.properties()

    @cached_property
    def told(self) -> Mapping[str, Property]:
        """What is told with the events that enroll, by slug; read once for this context."""
        # The events' own forms are made of these.
        from workflows.events.occasion import properties_told

        return properties_told(self.definition)

    @cached_property
    def results(self) -> Mapping[str, Property]:
        """What steps that can come before this one leave for later ones, as "step.name"; read once per context."""
        # The steps' own forms are made of these.
        from workflows.engine.results import results_before

        return results_before(self)

    @cached_property
    def sources(self) -> Mapping[str, KnownSource]:
        """The data sources steps may use, by id; read once per context."""
        # What is known of them is read by contexts.
        from workflows.data_sources.known import known_sources

        return known_sources(self)

    def at(self, step: Step) -> StepContext:
        """The context of another step, with the properties already read."""
        context = replace(self, step=step)
        context.__dict__["properties"] = self.properties
        for read in ("told", "sources"):
            if read in self.__dict__:
                context.__dict__[read] = self.__dict__[read]
        return context


class ParamsForm(forms.Form):
    """Params of one action.

    Bound to a document (`document=`: values are JSON, as in a definition) or to a submitted page (`data=`: the
    widgets make the same JSON). Either way `cleaned_data` is what the action runs with, and `document()` gives back
    the JSON to store. Fields must therefore accept their own JSON and be JSON-serialisable through `to_json`.
    """

    def __init__(self, data: Any = None, *, document: dict[str, Any] | None = None, context: StepContext) -> None:
        self.source = document
        self.context = context
        super().__init__(data if document is None else {}, initial=document, auto_id="param_%s")
        if document is not None:
            self.is_bound = True
        for bound in self.fields.values():
            if hasattr(bound, "use_context"):
                bound.use_context(context)
            if hasattr(bound, "use_form"):
                bound.use_form(self)

    @classmethod
    def possible(cls, own: ObjectType) -> bool:
        """Whether the action can be set up at all in workflows for an object type."""
        return True

    @property
    def subject_type(self) -> ObjectType:
        """The type of the records the action works on."""
        return self.context.object_type

    @property
    def subject_properties(self) -> Mapping[str, Property]:
        """The properties of the records the action works on."""
        return self.context.properties

    def raw(self, name: str) -> Any:
        """What was sent or stored for a field, before it is cleaned; for a new form its initial value."""
        if not self.is_bound:
            return (self.initial or {}).get(name)
        return self._widget_data_value(self.fields[name].widget, self.add_prefix(name))

    @classmethod
    def schema(cls, context: StepContext | None = None) -> dict[str, Any]:
        """The JSON schema of the params; with a context also the choices it leaves (its properties, its users)."""
        fields = (cls(document={}, context=context).fields if context else cls.base_fields).items()
        return {
            "type": "object",
            "properties": {name: field_schema(found) for name, found in fields},
            "required": [name for name, found in fields if found.required],
            "additionalProperties": False,
        }

    def _widget_data_value(self, widget: forms.Widget, html_name: str) -> Any:
        if self.source is not None:
            return self.source.get(html_name)
        return widget.value_from_datadict(self.data, self.files, html_name)

    def document(self) -> dict[str, Any]:
        """The params as JSON, blanks left out. What is invalid is kept as it was sent, so that nothing is lost."""
        found: dict[str, Any] = {}
        for name, bound in self.fields.items():
            raw = self._widget_data_value(bound.widget, self.add_prefix(name))
            value = self.cleaned_data.get(name, raw) if hasattr(self, "cleaned_data") else raw
            found[name] = bound.to_json(value) if hasattr(bound, "to_json") else value
        return {name: value for name, value in found.items() if value not in (None, "", [], {})}

    def problems(self) -> list[Problem]:
        """Every fault as a problem whose path is inside `params`; unknown keys too."""
        unknown = set(self.source or ()) - set(self.fields)
        found = [
            Problem(
                key,
                _("“%(key)s” is not a setting of this action. Use: %(known)s.")
                % {"key": key, "known": ", ".join(self.fields) or _("none")},
                code="unknown_field",
            )
            for key in sorted(unknown)
        ]
        for name, errors in self.errors.items():
            place = "" if name == NON_FIELD_ERRORS else name
            value = (self.source or {}).get(name)
            for error in errors.as_data():
                found += [Problem(place, text, value) for text in sentences(error, self.fields.get(name), value)]
        return found


def field_schema(field: forms.Field) -> dict[str, Any]:
    """What one field's JSON looks like, with its label and help for those who read the catalogue."""
    found = field.schema() if hasattr(field, "schema") else {"type": "string"}
    texts = {"title": str(field.label or ""), "description": str(field.help_text or "")}
    return found | {key: text for key, text in texts.items() if text}
