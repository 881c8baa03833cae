"""The field of params that chooses a survey whose delivery are workflows."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.models import Survey
from workflows.step_forms.forms import ChoiceField, offered
from workflows.step_forms.params import StepContext

#: Surveys the control offers; the API takes any.
SHOWN = 500


class SurveyField(ChoiceField):
    """A survey by its internal name; cleaned it is the survey."""

    #: What the value names (workflows.dependencies).
    names = "survey"

    def use_context(self, context: StepContext) -> None:
        found = Survey.objects.filter(delivery=Survey.Delivery.WORKFLOW).order_by("name")
        choices = list(found.values_list("slug", "name")[:SHOWN])
        stored = context.step.params.get("survey") if context.step else None
        if isinstance(stored, str) and stored and stored not in dict(choices):
            choices += Survey.objects.filter(slug=stored).values_list("slug", "name")
        self.choices = [("", "—"), *choices]

    def clean(self, value: Any) -> Survey | None:
        if value in self.empty_values:
            super().clean(value)
            return None
        found = Survey.objects.filter(slug=value).select_related("type").first() if isinstance(value, str) else None
        if found is None:
            message = _("There is no survey “%(value)s”. Use one of: %(known)s.")
            known = ", ".join(offered(self)[:10]) or _("none yet")
            raise ValidationError(message % {"value": value, "known": known})
        if found.delivery != Survey.Delivery.WORKFLOW:
            message = _("“%(name)s” is shared by a link. Choose a survey that workflows send, or change its delivery.")
            raise ValidationError(message % {"name": found.name})
        return found

    def to_json(self, value: Any) -> Any:
        return value.slug if isinstance(value, Survey) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-survey": True}


def survey_named(document: dict[str, Any]) -> Survey | None:
    """The survey a document chooses, if there is one."""
    slug = document.get("survey")
    return Survey.objects.filter(slug=slug).first() if isinstance(slug, str) and slug else None
