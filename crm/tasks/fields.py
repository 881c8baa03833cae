"""The fields of params that are about tasks: queues, and the kinds of records a task is associated with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.models import TaskQueue
from records.associations import associations_of
from workflows.step_forms.forms import ChoiceField
from workflows.step_forms.params import StepContext

TASK = "task"


class QueueField(ChoiceField):
    """A task queue by its internal name."""

    #: What the value names (workflows.dependencies).
    names = "queue"

    def use_context(self, context: StepContext) -> None:
        self.choices = [("", "—"), *TaskQueue.objects.values_list("slug", "name")]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-task-queue": True}


class AssociatedField(forms.MultipleChoiceField):
    """Associations of the enrolled record, by slug, whose records can have tasks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, **kwargs)

    def use_context(self, context: StepContext) -> None:
        self.choices = [
            (slug, capfirst(str(_("Its %(records)s") % {"records": one.to.label_plural})))
            for slug, one in associations_of(context.object_type).items()
            if slug != TASK and TASK in associations_of(one.to)
        ]

    def to_python(self, value: Any) -> list[str]:
        return super().to_python([value] if isinstance(value, str) and value else value)

    def validate(self, value: list[str]) -> None:
        choices: Any = self.choices
        known = [slug for slug, _label in choices]
        for slug in value:
            if slug not in known:
                message = _("“%(value)s” is not an association whose records can have tasks. Use one of: %(known)s.")
                raise ValidationError(message % {"value": slug, "known": ", ".join(known) or _("none")})
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "x-association": True}, "uniqueItems": True}
