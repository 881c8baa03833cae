"""The field of params that chooses teams."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.models import Team
from records.properties import Option
from records.vocabulary import ListedIn
from workflows.step_forms.params import StepContext


def fetch_teams() -> list[Option]:
    return [Option(slug, name) for slug, name in Team.objects.values_list("slug", "name")]


#: Every team; what is said of steps that name one is said anew when the teams change.
teams = ListedIn(fetch_teams, Team)


def team_choices() -> list[tuple[str, str]]:
    return [(option.value, str(option.label)) for option in teams()]


def check_teams(slugs: list[str], choices: Any) -> None:
    known = [slug for slug, _label in choices if slug]
    for slug in slugs:
        if slug not in known:
            message = _("There is no team “%(value)s”. Use one of: %(known)s.")
            raise ValidationError(message % {"value": slug, "known": ", ".join(known) or _("none yet")})


class TeamField(forms.ChoiceField):
    """A team by its slug."""

    #: What the value names (workflows.dependencies).
    names = "team"

    def use_context(self, context: StepContext) -> None:
        self.choices = [("", "—"), *team_choices()]

    def validate(self, value: Any) -> None:
        if value:
            check_teams([value], self.choices)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-team": True}


class TeamsField(forms.MultipleChoiceField):
    """Teams by their slugs."""

    #: What the value names (workflows.dependencies).
    names = "team"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, **kwargs)

    def use_context(self, context: StepContext) -> None:
        self.choices = team_choices()

    def validate(self, value: Any) -> None:
        check_teams(value, self.choices)
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "x-team": True}, "uniqueItems": True}
