"""The field of params that chooses an ads audience."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.models import Audience
from workflows.step_forms.forms import ChoiceField, offered
from workflows.step_forms.params import StepContext

#: Audiences the control offers; the API takes any.
SHOWN = 500


class AudienceField(ChoiceField):
    """An audience by its internal name; cleaned it is the audience."""

    #: What the value names (workflows.dependencies).
    names = "audience"

    def use_context(self, context: StepContext) -> None:
        choices = list(Audience.objects.order_by("name").values_list("slug", "name")[:SHOWN])
        stored = context.step.params.get("audience") if context.step else None
        if isinstance(stored, str) and stored and stored not in dict(choices):
            choices += Audience.objects.filter(slug=stored).values_list("slug", "name")
        self.choices = [("", "—"), *choices]

    def clean(self, value: Any) -> Audience | None:
        if value in self.empty_values:
            super().clean(value)
            return None
        found = Audience.objects.filter(slug=value).first() if isinstance(value, str) else None
        if found is None:
            message = _("There is no audience “%(value)s” that was made here. Use one of: %(known)s.")
            known = ", ".join(offered(self)[:10]) or _("none yet")
            raise ValidationError(message % {"value": value, "known": known})
        return found

    def to_json(self, value: Any) -> Any:
        return value.slug if isinstance(value, Audience) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-audience": True}


def audience_named(document: dict[str, Any]) -> str:
    """The name of the audience a document chooses; "" where it chooses none there is."""
    slug = document.get("audience")
    if not isinstance(slug, str) or not slug:
        return ""
    return Audience.objects.filter(slug=slug).values_list("name", flat=True).first() or ""
