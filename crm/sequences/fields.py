"""The fields of params that are about sequences."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from crm.models import Sequence
from workflows.step_forms.forms import ChoiceField, TextField, offered
from workflows.step_forms.params import ParamsForm

#: Sequences the control offers; the API takes any.
SHOWN = 500


class SequenceField(ChoiceField):
    """A sequence by its internal name; cleaned it is the sequence."""

    #: What the value names (workflows.dependencies).
    names = "sequence"

    def use_form(self, form: ParamsForm) -> None:
        """The choices, and the one that is stored where it is beyond them."""
        choices = list(Sequence.objects.order_by("name", "pk").values_list("slug", "name")[:SHOWN])
        name = next(name for name, own in form.fields.items() if own is self)
        stored = form.raw(name)
        if isinstance(stored, str) and stored and stored not in dict(choices):
            choices += Sequence.objects.filter(slug=stored).values_list("slug", "name")
        self.choices = [("", "—"), *choices]

    def clean(self, value: Any) -> Sequence | None:
        if value in self.empty_values:
            super().clean(value)
            return None
        found = Sequence.objects.filter(slug=value).first() if isinstance(value, str) else None
        if found is None:
            message = _("There is no sequence “%(value)s”. Use one of: %(known)s.")
            known = ", ".join(offered(self)[:10]) or _("none yet")
            raise ValidationError(message % {"value": value, "known": known})
        return found

    def to_json(self, value: Any) -> Any:
        return value.slug if isinstance(value, Sequence) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-sequence": True}


class AddressField(TextField):
    """An email address."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value:
            try:
                validate_email(value)
            except ValidationError:
                message = _("“%(value)s” is no email address. Write one like amy@example.com.")
                raise ValidationError(message % {"value": value}) from None

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"format": "email"}


def sequence_named(document: dict[str, Any]) -> str:
    """The name of the sequence a document chooses; its internal name where it is gone, "" where there is none."""
    slug = document.get("sequence")
    if not isinstance(slug, str) or not slug:
        return ""
    return Sequence.objects.filter(slug=slug).values_list("name", flat=True).first() or slug
