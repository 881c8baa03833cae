"""The fields of “Send a webhook”: where to, through which connection, and which properties."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from workflows.models import Connection
from workflows.outside import targets
from workflows.outside.targets import NotAllowed
from workflows.step_forms.forms import ChoiceField, TokenField, check_tokens
from workflows.step_forms.params import StepContext
from workflows.texts import json_templates, tokens
from workflows.texts.tokens import TokenError

VIEW = "workflows.view_connection"
#: An address begins with a host nobody else can choose: no token stands in it.
FIXED = re.compile(r"https?://[^/?#\s]+[/?#]?|/", re.IGNORECASE)


class AddressField(TokenField):
    """Where a request goes; tokens may stand after the host. With a connection “/path” is enough."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text:
            check_address(text)
        return text


def check_address(text: str) -> None:
    """Raises ValidationError for an address that no request may go to, as far as it is known before."""
    first, brace, _rest = text.partition("{{")
    begun = FIXED.match(first)
    if brace and (begun is None or begun[0][-1] not in "/?#"):
        message = _(
            "A token cannot stand in the host: a record's value would choose where its data goes. Write it out."
        )
        raise ValidationError(message)
    if text.startswith("/"):
        return
    try:
        targets.read(plain(text))
    except NotAllowed as error:
        raise ValidationError(str(error)) from None


def plain(text: str) -> str:
    """An address with something in place of its tokens."""
    try:
        return "".join(piece if isinstance(piece, str) else "x" for piece in tokens.parse(text))
    except TokenError:
        return text


class ConnectionField(ChoiceField):
    """A connection by its slug; offered are those a person may use, and the one that is chosen."""

    #: What the value names (workflows.dependencies).
    names = "connection"

    def use_context(self, context: StepContext) -> None:
        step = context.step
        chosen = step.params.get("connection") if step else None
        rows = Connection.objects.exclude(auth=Connection.Auth.CODE).order_by("name")
        if context.user is not None and not context.user.has_perm(VIEW):
            rows = rows.filter(slug=chosen if isinstance(chosen, str) else "")
        self.choices = [("", _("None")), *((one.slug, f"{one.name} ({one.origin})") for one in rows)]
        self.widget.attrs["data-refresh"] = "panel"

    def validate(self, value: Any) -> None:
        if value and not self.valid_value(value):
            message = _("There is no connection %(value)r that you may use. Choose another.")
            raise ValidationError(message % {"value": value})
        forms.Field.validate(self, value)


class ChosenField(forms.MultipleChoiceField):
    """Properties of the record, by slug; sensitive ones are not to be had, as in texts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, required=False, **kwargs)

    def use_context(self, context: StepContext) -> None:
        self.choices = [
            (slug, capfirst(str(prop.label))) for slug, prop in context.properties.items() if not prop.sensitive
        ]

    def to_python(self, value: Any) -> list[str]:
        return super().to_python([value] if isinstance(value, str) and value else value)

    def validate(self, value: Any) -> None:
        choices: Any = self.choices
        known = {slug for slug, _label in choices}
        for slug in value:
            if slug not in known:
                message = _("There is no property “%(slug)s” that can be sent. Take it out.")
                raise ValidationError(message % {"slug": slug})

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "x-property": True}, "uniqueItems": True}


class TemplateField(TokenField):
    """JSON whose texts may hold tokens."""

    def clean(self, value: Any) -> str:
        text = forms.CharField.clean(self, value)
        if not text:
            return text
        try:
            document = json_templates.read(text)
        except TokenError as error:
            raise ValidationError(str(error)) from None
        for one in dict.fromkeys(inside for _name, inside in json_templates.texts(document)):
            check_tokens(one, self.context)
        return text
