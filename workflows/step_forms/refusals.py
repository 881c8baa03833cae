"""What a form's field says where Django would speak for itself: the value, and what to send instead."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def sentences(error: ValidationError, field: forms.Field | None, value: Any) -> list[str]:
    """One refusal of a field's value in whole sentences; those the product's own fields have written stay."""
    params: dict[str, Any] = error.params if isinstance(error.params, dict) else {}
    facts = {"value": value, "limit": params.get("limit_value", params.get("max")), "field": field and field.label}
    match error.code:
        case "required":
            return [_("“%(field)s” is missing. Fill it in.") % facts]
        case "invalid" if isinstance(field, forms.DecimalField | forms.IntegerField | forms.FloatField):
            return [_("%(value)r is not a number. Send a number like 2.") % facts]
        case "invalid_choice" if isinstance(field, forms.ChoiceField):
            return [_("%(value)r cannot be chosen here. Use one of: %(known)s.") % {**facts, "known": known(field)}]
        case "invalid_list":
            return [_("%(value)r is not a list. Send a list like %(example)s.") % {**facts, "example": '["…"]'}]
        case "min_value":
            return [_("%(value)s is too small. Send %(limit)s or more.") % facts]
        case "max_value":
            return [_("%(value)s is too large. Send %(limit)s or less.") % facts]
        case "max_decimal_places" if not facts["limit"]:
            return [_("%(value)s is not a whole number. Send one without decimal places.") % facts]
        case "max_decimal_places":
            return [_("%(value)s has more than %(limit)s decimal places. Send a rounder number.") % facts]
        case "max_digits" | "max_whole_digits":
            return [_("%(value)s has more than %(limit)s digits. Send a shorter number.") % facts]
        case "max_length":
            return [_("The text is longer than %(limit)s characters. Shorten it.") % facts]
        case "null_characters_not_allowed":
            return [_("The text has a NUL character in it. Remove it.")]
    return [str(message) for message in error.messages]


def known(field: forms.ChoiceField) -> str:
    choices: Any = field.choices
    return ", ".join(str(value) for value, _label in choices if value != "")
