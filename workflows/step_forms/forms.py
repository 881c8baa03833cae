"""The fields params are made of. Each takes its JSON from a document or a submitted page, and gives it back."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import people
from records.object_types import ObjectType
from records.properties import Property
from workflows.step_forms.greyed_field import GreyingSelect, greyed
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.texts import tokens

OWNER = "owner"


class TextField(forms.CharField):
    """A plain text."""

    def to_json(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise ValidationError(_("%(value)r is not text. Send a string.") % {"value": value})
        return super().to_python(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"maxLength": self.max_length} if self.max_length else {})


class TokenField(TextField):
    """A text that may hold tokens of the object type; `lines` above one makes it a text area."""

    #: How the page inserts data into it.
    takes_data = "token"

    def __init__(self, *, lines: int = 1, **kwargs: Any) -> None:
        attrs = {"data-tokens": "true"}
        widget = forms.Textarea(attrs={**attrs, "rows": lines}) if lines > 1 else forms.TextInput(attrs=attrs)
        kwargs.setdefault("help_text", gettext_lazy("Write tokens like {{ deal.name }} for values of the record."))
        kwargs.setdefault("max_length", tokens.INPUT_LIMIT if lines > 1 else 1_000)
        super().__init__(widget=widget, **kwargs)
        self.context: StepContext | None = None

    def use_context(self, context: StepContext) -> None:
        self.context = context
        self.help_text = str(self.help_text).replace("deal.name", example_token(context))

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        check_tokens(text, self.context)
        return text

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"x-tokens": True}


def example_token(context: StepContext) -> str:
    return f"{context.object_type.slug}.{context.object_type.name_property}"


def check_tokens(text: Any, context: StepContext | None) -> None:
    """Raises ValidationError for each token that cannot be filled in, and for tags, which would stay as they are."""
    if context is not None and (tokens.has_tokens(text) or tokens.has_tags(text)):
        results = context.results if tokens.results_named(text) else ()
        sources = {slug: source.names for slug, source in context.sources.items()}
        found = tokens.check(text, context.object_type, context.properties, context.told, results, sources=sources)
        if found:
            raise ValidationError([problem.message for problem in found])


class FlagField(forms.BooleanField):
    """Yes, or left out."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)

    def to_json(self, value: Any) -> bool | None:
        return True if value in (True, "true", "on") else None

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class NumberField(forms.DecimalField):
    """A number; JSON carries it as a number."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValidationError(_("“%(value)s” is not a number.") % {"value": value})
        return super().to_python(value)

    def to_json(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        return int(value) if value == value.to_integral_value() else float(value)

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.min_value, "maximum": self.max_value}
        whole = self.decimal_places == 0
        return {"type": "integer" if whole else "number"} | {k: v for k, v in limits.items() if v is not None}


def offered(field: forms.ChoiceField) -> list[str]:
    """The values a field offers, without the empty one."""
    choices: Any = field.choices
    flat = (pair for value, label in choices for pair in (label if isinstance(label, list) else [(value, label)]))
    return [value for value, _label in flat if value != ""]


class ChoiceField(forms.ChoiceField):
    """One of a few fixed values."""

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": offered(self)}


class PropertyField(forms.ChoiceField):
    """A property of the object type, by its slug; with `subject` one of the records the action works on.

    `writable` leaves out what cannot be set and greys out what the user may not edit (PRM-06); `types` keeps some
    types. Where other fields of the form depend on the choice, `steers` has the panel drawn anew when it changes.
    """

    def __init__(
        self,
        *,
        writable: bool = False,
        types: tuple[str, ...] = (),
        steers: bool = False,
        subject: bool = False,
        **kwargs: Any,
    ) -> None:
        self.writable, self.types, self.subject = writable, types, subject
        super().__init__(**({"widget": GreyingSelect()} if writable else {}) | kwargs)
        if steers:
            self.widget.attrs["data-refresh"] = "panel"

    def use_context(self, context: StepContext) -> None:
        self.offer(context.properties.values(), context.object_type, context.user)

    def use_form(self, form: ParamsForm) -> None:
        if self.subject:
            self.offer(form.subject_properties.values(), form.subject_type, form.context.user)

    def offer(self, properties: Iterable[Property], object_type: ObjectType, user: Any) -> None:
        """What the user may not edit is shown with the reason; storing and publishing it are refused elsewhere."""
        offered = [prop for prop in properties if self.offers(prop)]
        self.choices = [("", "—"), *((prop.slug, str(prop.label)) for prop in offered)]
        if isinstance(self.widget, GreyingSelect):
            self.widget.unavailable = greyed(object_type, user)

    def offers(self, prop: Property) -> bool:
        settable = not self.writable or not (prop.read_only or prop.calculated is not None)
        return settable and (not self.types or prop.type in self.types)

    def validate(self, value: Any) -> None:
        known = offered(self)
        if value and value not in known:
            message = _("“%(value)s” cannot be chosen here. Use one of: %(known)s.")
            raise ValidationError(message % {"value": value, "known": ", ".join(known)})
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        known = offered(self)
        return {"type": "string", "x-property": True} | ({"enum": known} if known else {})


class UserField(forms.ChoiceField):
    """A user by username, or the record's owner."""

    #: What the value names (workflows.dependencies).
    names = "user"

    def __init__(self, *, owner: bool = True, **kwargs: Any) -> None:
        self.owner = owner
        super().__init__(**kwargs)

    def use_context(self, context: StepContext) -> None:
        fixed = owner_choice(context if self.owner else None)
        listed = people.few()
        if listed is None:
            self.widget = people.PersonInput(fixed=fixed)
        self.choices = [("", "—"), *fixed, *by_username(listed or ())]

    def valid_value(self, value: Any) -> bool:
        return True  # `validate` has said more of it.

    def validate(self, value: Any) -> None:
        if value:
            check_users([value], self.choices)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-user": True}


class UsersField(forms.MultipleChoiceField):
    """Users by username, the record's owner among them if wanted."""

    #: What the value names (workflows.dependencies).
    names = "user"

    def __init__(self, *, owner: bool = True, **kwargs: Any) -> None:
        self.owner = owner
        super().__init__(widget=forms.CheckboxSelectMultiple, **kwargs)

    def use_context(self, context: StepContext) -> None:
        fixed = owner_choice(context if self.owner else None)
        listed = people.few()
        if listed is None:
            self.widget = people.PeopleInput(fixed=fixed)
        self.choices = [*fixed, *by_username(listed or ())]

    def to_python(self, value: Any) -> list[str]:
        return super().to_python([value] if isinstance(value, str) and value else value)

    def valid_value(self, value: Any) -> bool:
        return True  # `validate` has said more of it.

    def validate(self, value: Any) -> None:
        check_users(value, self.choices)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "x-user": True}, "uniqueItems": True}


def owner_choice(context: StepContext | None) -> list[tuple[str, str]]:
    """The record's owner, where its object type has one."""
    return [(OWNER, _("The record’s owner"))] if context and OWNER in context.properties else []


def user_choices() -> list[tuple[str, str]]:
    """Active users by username; none where there are more than a list can show, and they are searched for."""
    return by_username(people.few() or ())


def by_username(users: Iterable[Any]) -> list[tuple[str, str]]:
    return [(user.get_username(), str(user)) for user in users]


def check_users(usernames: list[str], choices: Any) -> None:
    """Raises ValidationError for the first username that is neither among the choices nor an active user's."""
    known = {value for value, _label in choices}
    others = [username for username in usernames if username not in known]
    known |= people.there(others) if others else set()
    for username in usernames:
        if username not in known:
            message = _("There is no active user “%(value)s”. Use the username of an active user.")
            raise ValidationError(message % {"value": username})
