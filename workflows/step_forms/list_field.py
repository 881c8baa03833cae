"""The field of params that chooses a static list of the enrolled records' type."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from records.models import RecordList
from workflows.step_forms.forms import ChoiceField, offered
from workflows.step_forms.params import ParamsForm, StepContext

#: Lists the control offers; the API takes any.
SHOWN = 500


class StaticListField(ChoiceField):
    """A static list by its internal name; cleaned it is the list."""

    #: What the value names (workflows.dependencies).
    names = "list"

    object_type = ""

    def use_context(self, context: StepContext) -> None:
        self.object_type = context.object_type.slug

    def use_form(self, form: ParamsForm) -> None:
        """The choices, and the one that is stored where it is beyond them."""
        found = RecordList.objects.filter(object_type=self.object_type, kind=RecordList.Kind.STATIC)
        choices = list(found.order_by("name", "pk").values_list("slug", "name")[:SHOWN])
        name = next(name for name, own in form.fields.items() if own is self)
        stored = form.raw(name)
        if isinstance(stored, str) and stored and stored not in dict(choices):
            choices += found.filter(slug=stored).values_list("slug", "name")
        self.choices = [("", "—"), *choices]

    def clean(self, value: Any) -> RecordList | None:
        if value in self.empty_values:
            super().clean(value)
            return None
        found = RecordList.objects.filter(slug=value).first() if isinstance(value, str) else None
        if found is None or found.object_type != self.object_type:
            message = _("There is no static list “%(value)s” of these records. Use one of: %(known)s.")
            known = ", ".join(offered(self)[:10]) or _("none yet")
            raise ValidationError(message % {"value": value, "known": known})
        if found.is_active:
            message = _("“%(name)s” is an active list: its criteria say who is in it. Choose a static list.")
            raise ValidationError(message % {"name": found.name})
        return found

    def to_json(self, value: Any) -> Any:
        return value.slug if isinstance(value, RecordList) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-static-list": True}


def list_named(document: dict[str, Any]) -> str:
    """The name of the list a document chooses; its internal name where it is gone, "" where there is none."""
    slug = document.get("list")
    if not isinstance(slug, str) or not slug:
        return ""
    return RecordList.objects.filter(slug=slug).values_list("name", flat=True).first() or slug
