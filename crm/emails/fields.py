"""The fields of params that choose an email, and where copies of it go."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import EmailTemplate
from workflows.step_forms.forms import ChoiceField, TextField, offered
from workflows.step_forms.params import ParamsForm, StepContext

#: Emails the control offers; the API takes any.
SHOWN = 500
MOST_ADDRESSES = 50
BETWEEN = re.compile(r"[\s,;]+")


class EmailTemplateField(ChoiceField):
    """An email saved for automation by its internal name; cleaned it is the email."""

    #: What the value names (workflows.dependencies).
    names = "email"

    def use_form(self, form: ParamsForm) -> None:
        """Those that are not archived, and the one that is stored in any case."""
        emails = EmailTemplate.objects.order_by("name")
        choices = list(emails.filter(archived_at=None).values_list("slug", "name")[:SHOWN])
        name = next(name for name, own in form.fields.items() if own is self)
        stored = form.raw(name)
        if isinstance(stored, str) and stored and stored not in dict(choices):
            kept = emails.filter(slug=stored).values_list("slug", "name")
            choices += [(slug, _("%(name)s (archived)") % {"name": name}) for slug, name in kept]
        self.choices = [("", "—"), *choices]

    def clean(self, value: Any) -> EmailTemplate | None:
        if value in self.empty_values:
            super().clean(value)
            return None
        emails = EmailTemplate.objects.select_related("type")
        found = emails.filter(slug=value).first() if isinstance(value, str) and "\x00" not in value else None
        if found is None:
            message = _("There is no email “%(value)s”. Use one of: %(known)s.")
            known = ", ".join(offered(self)[:10]) or _("none yet")
            raise ValidationError(message % {"value": value, "known": known})
        return found

    def to_json(self, value: Any) -> Any:
        return value.slug if isinstance(value, EmailTemplate) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-email": True}


class AddressesField(TextField):
    """Email addresses with commas between them; cleaned it is the text, each address in it checked."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("With commas between them, 50 at most."))
        super().__init__(max_length=4_000, **kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        found = addresses_in(text)
        if len(found) > MOST_ADDRESSES:
            message = _("These are %(count)d addresses, %(limit)d at most. Take some out.")
            raise ValidationError(message % {"count": len(found), "limit": MOST_ADDRESSES})
        for address in found:
            try:
                validate_email(address)
            except ValidationError:
                message = _("“%(address)s” is not an email address. Correct it.")
                raise ValidationError(message % {"address": address[:100]}) from None
        return text


def addresses_in(text: Any) -> list[str]:
    """The addresses of a text, each once, however its letters are written."""
    found = [one for one in BETWEEN.split(text) if one] if isinstance(text, str) else []
    return list({one.lower(): one for one in reversed(found)}.values())[::-1]


def email_named(document: dict[str, Any]) -> EmailTemplate | None:
    """The email a document chooses; None where it chooses none, or it is gone."""
    slug = document.get("email")
    if not isinstance(slug, str) or not slug or "\x00" in slug:
        return None
    return EmailTemplate.objects.filter(slug=slug).select_related("type").first()


def name_of(document: dict[str, Any], context: StepContext) -> str:
    """The name of the email a document chooses, as a card says it; "" where it chooses none."""
    found = email_named(document)
    slug = document.get("email")
    return found.name if found else slug if isinstance(slug, str) else ""
