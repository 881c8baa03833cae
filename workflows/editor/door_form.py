"""The settings in the trigger's panel: who enters again, who is kept or taken out, and the goal (REN-01, UNE-01)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.clock import ANY_INSTANT
from records.criteria.widget import CriteriaField
from records.object_types import object_types
from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.editor.suppression_form import SuppressionField, suppressed
from workflows.enrollment import reenrolling
from workflows.enrollment.leaving import ALL, NONE
from workflows.models import Workflow
from workflows.rights.opening import changeable

SOME = "some"
#: The trigger families that can let records enroll again (REN-13: schedules cannot).
REPEATABLE = ("filter", "event", "manual")
REFRESH = {"data-refresh": "panel"}


class GreyedBoxes(forms.CheckboxSelectMultiple):
    """Check boxes of which some cannot be ticked; the label says why."""

    unavailable: dict[str, str] = {}

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> Any:
        option = super().create_option(name, value, label, *args, **kwargs)
        if reason := self.unavailable.get(str(value)):
            option["label"] = _("%(choice)s – %(reason)s") % {"choice": label, "reason": reason}
            option["attrs"]["disabled"] = True
        return option


class DoorForm(forms.Form):
    """What the definition's `trigger.reenroll`, `unenroll`, `suppress` and `goal` say."""

    again = forms.BooleanField(
        label=gettext_lazy("Let records enroll again"), required=False, widget=forms.CheckboxInput(attrs=REFRESH),
        help_text=gettext_lazy("Off, a record enters once: when it meets the trigger or is enrolled by hand."),
    )  # fmt: skip
    reenroll = forms.MultipleChoiceField(
        label=gettext_lazy("Enroll again each time one of these begins to be met"), required=False, widget=GreyedBoxes
    )
    no_longer = forms.BooleanField(
        label=gettext_lazy("Take out records that no longer meet the trigger"), required=False,
        help_text=gettext_lazy("From the next publication on. It holds for records enrolled by hand as well."),
    )  # fmt: skip
    leave = CriteriaField(
        required=False, label=gettext_lazy("Take out, and keep out, records that meet these filters"),
        help_text=gettext_lazy("A record that no longer meets them does not come back by that."),
    )  # fmt: skip
    suppress = SuppressionField()
    goal = CriteriaField(
        required=False, label=gettext_lazy("Goal: records that meet these filters have reached it"),
        help_text=gettext_lazy(
            "They leave before the next action is done. Who has reached the goal before does not enter."
        ),
    )  # fmt: skip
    others = forms.ChoiceField(
        label=gettext_lazy("When a record enters, take it out of"), required=False,
        widget=forms.RadioSelect(attrs=REFRESH),
        choices=[
            (NONE, gettext_lazy("no other workflow")),
            (SOME, gettext_lazy("the workflows chosen here")),
            (ALL, gettext_lazy("all other workflows")),
        ],
    )  # fmt: skip
    chosen = forms.MultipleChoiceField(
        label=gettext_lazy("Workflows to take it out of"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        data: Any,
        definition: Definition,
        kind: str,
        filters: Any,
        *,
        workflow: int | None = None,
        user: Any = None,
    ) -> None:
        """`kind` and `filters` are the trigger's, as they were sent or as they are."""
        document, unenroll = definition.document, unenroll_of(definition)
        self.ticked, self.kind = definition.trigger.document.get("reenroll"), kind
        initial = {
            "again": bool(self.ticked),
            "reenroll": self.ticked if isinstance(self.ticked, list) else [],
            "no_longer": unenroll.get("when_no_longer_matching") is True,
            "leave": unenroll.get("criteria"),
            "goal": document.get("goal"),
            "suppress": suppressed(definition),
            "others": shown_others(unenroll.get("others")),
            "chosen": [str(pk) for pk in unenroll.get("others") or () if isinstance(unenroll.get("others"), list)],
        }
        super().__init__(data, initial=initial, prefix="door", auto_id="param_%s")
        for name in ("leave", "goal"):
            self.criteria(name).aim(object_types[definition.object])
        self.offer_lists(definition)
        self.filters = filters_of(filters, definition) if kind == "filter" else []
        self.offer_filters({path: reason_of(path, filters, definition) for path, _sentence in self.filters})
        self.offer_workflows(definition, workflow, user)
        if kind not in REPEATABLE:
            del self.fields["again"]
        if kind != "filter":
            del self.fields["no_longer"]

    def criteria(self, name: str) -> CriteriaField:
        field = self.fields[name]
        assert isinstance(field, CriteriaField)
        return field

    def offer_lists(self, definition: Definition) -> None:
        """The suppression lists there are; the choice goes where there is none."""
        field = self.fields["suppress"]
        assert isinstance(field, SuppressionField)
        field.offer(definition)
        if not field.choices:
            del self.fields["suppress"]

    def offer_filters(self, reasons: dict[str, str]) -> None:
        """The trigger's filters, those greyed out that can never enroll again; only while any may."""
        field = self.fields["reenroll"]
        assert isinstance(field, forms.MultipleChoiceField) and isinstance(field.widget, GreyedBoxes)
        field.choices, field.widget.unavailable = self.filters, {path: why for path, why in reasons.items() if why}
        self.eligible = [path for path, why in reasons.items() if not why]
        if not self.filters or not self.initial["again"]:
            del self.fields["reenroll"]

    def offer_workflows(self, definition: Definition, workflow: int | None, user: Any) -> None:
        """The other workflows there are, as far as the person may take records out of them."""
        there = Workflow.objects.filter(object_type=definition.object, deleted_at=None).exclude(pk=workflow or 0)
        known = changeable(there, user)
        field = self.fields["chosen"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(str(pk), name) for pk, name in known.order_by("name", "pk").values_list("pk", "name")]
        if self.initial["others"] != SOME:
            del self.fields["chosen"]

    @property
    def filters_again(self) -> forms.BoundField | None:
        """Which filters enroll again, where there are filters and any may."""
        return self["reenroll"] if "reenroll" in self.fields else None

    def reenroll_document(self) -> Any:
        """What the trigger says of re-enrollment; None for nothing. Turned on, it holds for all filters that can."""
        if not self.cleaned_data.get("again"):
            return None
        if self.kind != "filter":
            return True
        if "reenroll" not in self.fields or not self.ticked:
            return self.eligible or None
        sent = self.data.getlist(self.add_prefix("reenroll")) if hasattr(self.data, "getlist") else []
        return [path for path in sent if path in self.eligible] or None

    def values(self) -> dict[str, Any]:
        """`unenroll`, `goal` and `suppress` as they were sent; criteria that are not finished are kept, too."""
        others: Any = self.cleaned_data.get("others") or NONE
        if others == SOME:
            others = [int(pk) for pk in self.cleaned_data.get("chosen", [])]
        unenroll = {
            "criteria": self.criteria("leave").sent(self.data, self.add_prefix("leave")),
            "when_no_longer_matching": bool(self.cleaned_data.get("no_longer")),
            "others": others,
        }
        kept = {key: value for key, value in unenroll.items() if value not in (None, False, NONE)}
        goal = self.criteria("goal").sent(self.data, self.add_prefix("goal"))
        return {"unenroll": kept, "goal": goal, "suppress": self.cleaned_data.get("suppress", [])}


def unenroll_of(definition: Definition) -> dict[str, Any]:
    """`unenroll`, empty where the API has sent something else."""
    found = definition.document.get("unenroll")
    return found if isinstance(found, dict) else {}


def shown_others(others: Any) -> str:
    return SOME if isinstance(others, list) else ALL if others == ALL else NONE


def filters_of(document: Any, definition: Definition) -> list[tuple[str, str]]:
    """Each filter's path and sentence, as far as the criteria can be read."""
    if not document:
        return []
    try:
        compiled = criteria.compile(document, object_types[definition.object], now=ANY_INSTANT, stored=True)
    except DocumentError:
        return []
    return [(leaf.path, leaf.sentence) for leaf in compiled.leaves]


def reason_of(path: str, filters: Any, definition: Definition) -> str:
    """Why a filter can never enroll again; "" when it can."""
    place = reenrolling.place_of(filters, path, object_types[definition.object])
    return reenrolling.excluded(place) if place else ""
