"""The choice of suppression lists in the trigger's panel (SUP-02)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.models import RecordList
from workflows.definitions.definition import Definition

SHOWN = 500


class SuppressionField(forms.MultipleChoiceField):
    """Lists of the workflow's object type. One that is gone stays, ticked, for its problem to be told."""

    def __init__(self, **kwargs: Any) -> None:
        facts: dict[str, Any] = {
            "label": gettext_lazy("Suppression lists: keep out, and take out at once, who is in one of these"),
            "help_text": gettext_lazy(
                "It holds for records enrolled by hand as well. Who leaves such a list is not enrolled by that."
            ),
            "required": False,
            "widget": forms.CheckboxSelectMultiple,
        }
        super().__init__(**facts | kwargs)

    def offer(self, definition: Definition) -> None:
        """Set the choices: the lists there are, and what the definition names beyond."""
        lists = RecordList.objects.filter(object_type=definition.object).order_by("name", "pk")[:SHOWN]
        found = {one.slug: one.name for one in lists}
        gone = {slug: _("%(list)s (gone)") % {"list": slug} for slug in suppressed(definition) if slug not in found}
        self.choices = [*found.items(), *gone.items()]


def suppressed(definition: Definition) -> list[str]:
    """The lists the definition names; none where the API has sent something else."""
    named = definition.document.get("suppress")
    return [slug for slug in named if isinstance(slug, str)] if isinstance(named, list) else []
