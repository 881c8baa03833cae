"""Text-like property types: text, multi-line, email, phone, URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.property_types.base import PropertyType, property_types

if TYPE_CHECKING:
    from records.properties import Property

TEXT_LIMIT = 65_536
#: An index keeps unique values, and holds no more than 2,704 bytes of each.
UNIQUE_LIMIT = 500


@property_types.register
class SingleLine(PropertyType):
    slug = "text"
    label = gettext_lazy("Single-line text")
    textual = True

    def parse(self, raw: Any, prop: Property) -> str:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raise ValueError(_("%(value)r is not text. Send a string.") % {"value": raw})
        text = str(raw).strip()
        if "\x00" in text:
            raise ValueError(_("The text contains a NUL character. Remove it."))
        limit = UNIQUE_LIMIT if prop.unique else TEXT_LIMIT
        if len(text) > limit:
            raise ValueError(
                _("The text has %(length)d characters, %(limit)d at most. Shorten it.")
                % {"length": len(text), "limit": limit}
            )
        return text


@property_types.register
class MultiLine(SingleLine):
    slug = "multi_line"
    label = gettext_lazy("Multi-line text")

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), **kwargs)


@property_types.register
class Email(SingleLine):
    slug = "email"
    label = gettext_lazy("Email address")

    def parse(self, raw: Any, prop: Property) -> str:
        text = super().parse(raw, prop).lower()
        try:
            validate_email(text)
        except ValidationError:
            raise ValueError(
                _("“%(value)s” is not an email address. Write it like name@example.com.") % {"value": raw}
            ) from None
        return text

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.EmailField(**kwargs)


@property_types.register
class Phone(SingleLine):
    """Stored as E.164 where the number is international; else as written."""

    slug = "phone"
    label = gettext_lazy("Phone number")

    def parse(self, raw: Any, prop: Property) -> str:
        text = super().parse(raw, prop)
        try:
            number = phonenumbers.parse(text, None)
        except phonenumbers.NumberParseException:
            if sum(character.isdigit() for character in text) < 3:
                raise ValueError(
                    _("“%(value)s” is not a phone number. Write it like +46 8 123 456 78.") % {"value": raw}
                ) from None
            return text
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@property_types.register
class Url(SingleLine):
    slug = "url"
    label = gettext_lazy("Web address")

    def parse(self, raw: Any, prop: Property) -> str:
        text = super().parse(raw, prop)
        text = text if "://" in text else f"https://{text}"
        try:
            URLValidator(schemes=["http", "https"])(text)
        except ValidationError:
            raise ValueError(
                _("“%(value)s” is not a web address. Write it like https://example.com.") % {"value": raw}
            ) from None
        return text

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.URLField(assume_scheme="https", **kwargs)
