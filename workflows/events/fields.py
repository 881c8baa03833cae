"""Fields of the settings of events."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.associations import associations_of
from records.properties import Property
from workflows.models import Workflow
from workflows.rights.opening import openable
from workflows.step_forms.forms import user_choices
from workflows.step_forms.params import ParamsForm, StepContext

VALUES_LIMIT = 250


class ValuesField(forms.Field):
    """Some values of the property chosen in the field `follows`: check boxes where it has options, else lines."""

    def __init__(self, *, follows: str = "property", **kwargs: Any) -> None:
        self.follows = follows
        self.property: Property | None = None
        self.outdated = False
        super().__init__(**kwargs)

    def use_form(self, form: ParamsForm) -> None:
        chosen = str(form.raw(self.follows) or "")
        self.property = form.context.properties.get(chosen)
        # The page still has the values of the property that was chosen before.
        step = form.context.step
        self.outdated = form.source is None and step is not None and step.params.get(self.follows) != chosen
        choices = choices_of(self.property)
        if not choices:
            self.widget = LinesWidget(attrs={"rows": 3})
            return
        name = next(name for name, found in form.fields.items() if found is self)
        stored = (form.source or form.initial or {}).get(name)
        known = {value for value, _label in choices}
        gone = [
            (str(value), str(value)) for value in stored or () if str(value) not in known and isinstance(stored, list)
        ]
        self.widget = forms.CheckboxSelectMultiple(choices=[*choices, *gone])

    def clean(self, value: Any) -> list[Any]:
        """The values as Python, in the order given."""
        if self.outdated or value in (None, ""):
            value = []
        if not isinstance(value, list):
            raise ValidationError(_("%(value)r is not a list of values. Send a list.") % {"value": value})
        if len(value) > VALUES_LIMIT:
            raise ValidationError(_("Give %(limit)d values at most.") % {"limit": VALUES_LIMIT})
        if self.property is None:
            return value
        found = []
        for raw in value:
            try:
                cleaned = self.property.clean([raw] if self.property.kind.multiple else raw)
            except (ValueError, TypeError) as error:
                raise ValidationError(str(error)) from error
            found += cleaned if isinstance(cleaned, list) else [cleaned] if cleaned is not None else []
        return found

    def to_json(self, value: Any) -> Any:
        if self.property is None or not isinstance(value, list):
            return value
        return [self.document_of(part) for part in value]

    def document_of(self, part: Any) -> Any:
        """One value as JSON has it, whether it is cleaned yet or not; users by their names."""
        assert self.property is not None
        try:
            cleaned = self.property.clean([part] if self.property.kind.multiple else part)
        except (ValueError, TypeError):
            return part
        return part if self.property.kind.multiple else self.property.as_json(cleaned)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {}, "maxItems": VALUES_LIMIT, "x-values-of": self.follows}


class LinesWidget(forms.Textarea):
    """A list of texts, one per line."""

    def format_value(self, value: Any) -> Any:
        return "\n".join(str(part) for part in value) if isinstance(value, list) else value

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        lines = (data.get(name) or "").splitlines()
        return [line.strip() for line in lines if line.strip()]


def choices_of(prop: Property | None) -> list[tuple[str, str]]:
    """What can be ticked for a property; nothing where its values are written."""
    if prop is None:
        return []
    if prop.type == "user":
        return user_choices()
    if prop.type == "boolean":
        return [("true", _("Yes")), ("false", _("No"))]
    return [(option.value, str(option.label)) for option in prop.options]


def shown_values(values: list[Any], prop: Property | None) -> str:
    """ "Won or Lost": values of a document as a person reads them."""
    labels = dict(choices_of(prop)) if prop and prop.type != "user" else {}
    names = [labels.get(str(value).lower() if isinstance(value, bool) else str(value), str(value)) for value in values]
    if len(names) < 2:
        return "".join(names)
    return _("%(values)s or %(last)s") % {"values": ", ".join(names[:-1]), "last": names[-1]}


class AssociatedTypeField(forms.ChoiceField):
    """A type of record that records of the workflow's type can be associated with, by its slug."""

    def use_context(self, context: StepContext) -> None:
        kinds = {found.to.slug: found.to for found in associations_of(context.object_type).values()}
        self.choices = [("", "—"), *((slug, capfirst(str(kind.label))) for slug, kind in kinds.items())]

    def validate(self, value: Any) -> None:
        check_choice(self, value)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | one_of(self)


class WorkflowField(forms.ChoiceField):
    """A workflow for the same type of record, by its id as text; none that is closed to the person (PRM-09)."""

    #: What the value names (workflows.dependencies).
    names = "workflow"

    def use_context(self, context: StepContext) -> None:
        rows = Workflow.objects.filter(object_type=context.object_type.slug, deleted_at=None).order_by("name", "pk")
        seen = openable(rows, context.user)
        self.choices = [("", "—"), *((str(pk), name) for pk, name in seen.values_list("pk", "name"))]

    def to_python(self, value: Any) -> str:
        return super().to_python(value if not isinstance(value, int) or isinstance(value, bool) else str(value))

    def validate(self, value: Any) -> None:
        known: Any = self.choices
        if value and value not in {slug for slug, _label in known}:
            message = _(
                "There is no workflow %(value)s for this type of record. Use the id of one that is not deleted."
            )
            raise ValidationError(message % {"value": value})
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-workflow": True}


def one_of(field: forms.ChoiceField) -> dict[str, Any]:
    choices: Any = field.choices
    known = [slug for slug, _label in choices if slug]
    return {"enum": known} if known else {}


def check_choice(field: forms.ChoiceField, value: Any) -> None:
    """Raises ValidationError naming what can be chosen."""
    known = one_of(field).get("enum", [])
    if value and value not in known:
        message = _("“%(value)s” cannot be chosen here. Use one of: %(known)s.")
        raise ValidationError(message % {"value": value, "known": ", ".join(known) or _("none")})
