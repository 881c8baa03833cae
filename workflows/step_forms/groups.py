"""Teams a step can write to, where an app has them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.health import teams
from workflows.step_forms.params import StepContext


def people_of(slugs: list[str]) -> list[Any]:
    """The active users who are told for some teams, each once; no statement without a team."""
    if not slugs:
        return []
    users = get_user_model()._default_manager.filter(is_active=True, pk__in=teams.members(slugs))
    return list(users.order_by("pk"))


class GroupsField(forms.MultipleChoiceField):
    """Teams by their slugs."""

    #: What the value names (workflows.dependencies).
    names = "team"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Teams"))
        super().__init__(widget=forms.CheckboxSelectMultiple, required=False, **kwargs)

    def use_context(self, context: StepContext) -> None:
        self.choices = teams.choices()

    def to_python(self, value: Any) -> list[str]:
        return super().to_python([value] if isinstance(value, str) and value else value)

    def validate(self, value: Any) -> None:
        choices: Any = self.choices
        slugs = [slug for slug, _label in choices]
        for slug in value:
            if slug not in slugs:
                message = _("There is no team “%(value)s”. Use one of: %(known)s.")
                raise ValidationError(message % {"value": slug, "known": ", ".join(slugs) or _("none yet")})

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "x-team": True}, "uniqueItems": True}
