"""What follows when a step fails, as fields of its panel and as a note on its card."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.definitions.definition import Step
from workflows.definitions.on_failure import RETRY_LIMIT

CONTINUE, STOP = "continue", "stop"


class FailureForm(forms.Form):
    """How often a failed step is tried again, and what comes then."""

    on_failure_retry = forms.IntegerField(
        label=gettext_lazy("Try again, so many times"), min_value=0, max_value=RETRY_LIMIT, required=False
    )
    on_failure_then = forms.ChoiceField(
        label=gettext_lazy("Then"),
        required=False,
        choices=(
            (CONTINUE, gettext_lazy("go on with the next step")),
            (STOP, gettext_lazy("stop here, until somebody looks at it")),
        ),
    )

    def __init__(self, data: Any, step: Step) -> None:
        initial = {"on_failure_retry": step.retries, "on_failure_then": STOP if step.stops else CONTINUE}
        super().__init__(data, initial=initial, auto_id="param_%s")

    def differs(self, step: Step) -> bool:
        """Whether something else was sent than what the step says."""
        found = self.document() or {}
        told = {"retry": step.retries, "then": STOP if step.stops else CONTINUE}
        return "on_failure_then" in self.data and {"retry": 0, "then": CONTINUE} | found != told

    def document(self) -> dict[str, Any] | None:
        """The step's `on_failure`; None for the rule. A number out of bounds is kept, so that it is refused aloud."""
        self.is_valid()
        sent = self.data.get("on_failure_retry") or 0
        retry = self.cleaned_data.get("on_failure_retry", sent) or 0
        then = self.cleaned_data.get("on_failure_then") or CONTINUE
        found = ({"retry": retry} if retry else {}) | ({"then": then} if then != CONTINUE else {})
        return found or None


def note(step: Step) -> str:
    """What the step's card says about failures; "" for the rule: no further tries, and the record goes on."""
    if not step.retries:
        return _("stops if it fails") if step.stops else ""
    if step.stops:
        told = ngettext("%(count)d more try, then stops", "%(count)d more tries, then stops", step.retries)
    else:
        told = ngettext("%(count)d more try", "%(count)d more tries", step.retries)
    return told % {"count": step.retries}
