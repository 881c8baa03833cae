"""A choice of which some cannot be taken now: they are shown greyed out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import BaseChoiceIterator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.property_access.rights import reason, rights_of


class Offered(BaseChoiceIterator):
    """Choices that are made when somebody looks at them: each of hundreds of go-tos offers all the steps there are."""

    def __init__(self, make: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self.make = make

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield ("", "—")
        yield from self.make()


class GreyingSelect(forms.Select):
    """A select whose unavailable options are disabled; the chosen one stays, so that a page keeps what is stored."""

    unavailable: Mapping[str, str] = {}

    def create_option(self, name: str, value: Any, label: Any, selected: bool, *args: Any, **kwargs: Any) -> Any:
        option = super().create_option(name, value, label, selected, *args, **kwargs)
        reason = self.unavailable.get(str(value))
        if reason:
            option["label"] = _("%(choice)s – %(reason)s") % {"choice": label, "reason": reason}
            if not selected:
                option["attrs"]["disabled"] = True
        return option


class GreyedChoiceField(forms.ChoiceField):
    """One of what `offer` was given; what is unavailable is refused with its reason.

    With `steers` the panel is drawn anew when the choice changes.
    """

    def __init__(self, *, steers: bool = False, **kwargs: Any) -> None:
        widget = GreyingSelect(attrs={"data-refresh": "panel"} if steers else {})
        super().__init__(widget=widget, choices=[("", "—")], **kwargs)
        self.unavailable: Mapping[str, str] = {}
        self.offered: Container[str] | None = None

    def offer(
        self,
        make: Callable[[], Iterable[tuple[str, str]]],
        unavailable: Mapping[str, str],
        offered: Container[str] | None = None,
    ) -> None:
        """Show these choices (value and label), of which some cannot be taken: `unavailable` has their reasons.

        `offered` are the values, where they are known without making all choices.
        """
        self.choices, self.offered = Offered(make), offered
        self.unavailable = unavailable
        assert isinstance(self.widget, GreyingSelect)
        self.widget.unavailable = unavailable

    def available(self) -> list[str]:
        choices: Any = self.choices
        return [value for value, _label in choices if value and value not in self.unavailable]

    def valid_value(self, value: Any) -> bool:
        return super().valid_value(value) if self.offered is None else value in self.offered

    def validate(self, value: Any) -> None:
        if value in self.unavailable:
            choices: Any = self.choices
            message = _("“%(choice)s” cannot be chosen: %(reason)s. Choose another one.")
            facts = {"choice": dict(choices).get(value, value), "reason": self.unavailable[value]}
            raise ValidationError(message % facts)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"enum": known} if (known := self.available()) else {})


def greyed(object_type: ObjectType, user: Any) -> dict[str, str]:
    """The properties of a type that a person may not edit, with the reason."""
    restricted = rights_of(user).restricted
    return {slug: reason(level) for (kind, slug), level in restricted.items() if kind == object_type.slug}


class NotShown(forms.HiddenInput):
    """For a setting that does not belong to what else is chosen: the page neither shows nor keeps it."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return SafeString("")

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return None
