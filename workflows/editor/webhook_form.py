"""“From a webhook” in the trigger's panel: which of them begins the workflow, and the way to a new one (WBH-01)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from workflows.definitions.definition import Definition
from workflows.models import Webhook
from workflows.webhooks.using import trigger_with


class WebhookForm(forms.Form):
    """Choosing one makes its event the trigger's; the panel then shows it among the events."""

    webhook = forms.ChoiceField(
        label=gettext_lazy("Use a webhook as trigger"),
        required=False,
        widget=forms.Select(attrs={"data-refresh": "panel"}),
    )

    def __init__(self, data: Any, definition: Definition, *, replaces: bool = False) -> None:
        """`replaces`: it would erase another kind of trigger, which has to be agreed to first (TRG-18)."""
        super().__init__(data, prefix="from", auto_id="param_%s")
        field = self.fields["webhook"]
        assert isinstance(field, forms.ChoiceField)
        known = Webhook.objects.filter(object_type=definition.object).values_list("slug", "name")
        field.choices = [("", "—"), *known]
        self.any, self.replaces = len(field.choices) > 1, replaces
        if replaces:
            del self.fields["webhook"]

    def added_to(self, trigger: dict[str, Any]) -> dict[str, Any]:
        """The trigger with what was chosen."""
        slug = self.cleaned_data.get("webhook", "") if self.is_valid() else ""
        return trigger_with(trigger, slug) if slug else trigger
