"""The trigger's panel: which family of triggers enrolls records, its settings, and the operation they make."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.criteria.widget import CriteriaField
from records.object_types import object_types
from workflows.definitions.definition import Definition
from workflows.editor.door_form import DoorForm, unenroll_of
from workflows.editor.event_form import EventsForm
from workflows.editor.schedule_form import CentreForm, EveryoneForm, ScheduleForm
from workflows.editor.webhook_form import WebhookForm
from workflows.registries import triggers

#: The families that a new workflow is offered under one heading (TRG-17).
SPECIFIC = ("filter", "event")


class FamilyRadios(forms.RadioSelect):
    """Radios whose ids are their values: however the families are grouped, one keeps the focus when drawn anew."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["id"] = f"param_{name}_{value}"
        return option


class TriggerForm(forms.Form):
    """What enrolls records; `door` is the form of who enters again and who leaves.

    Another family erases the trigger there is: only where the page says with `erase` that the person has agreed to
    it (TRG-18). Until then everything stays as it is.
    """

    kind = forms.ChoiceField(
        label=gettext_lazy("Enroll records"), widget=FamilyRadios(attrs={"data-refresh": "panel"})
    )

    def __init__(self, data: Any, definition: Definition, *, workflow: int | None = None, user: Any = None) -> None:
        document = definition.trigger.document
        stored = document.get("kind", "")
        initial = {"criteria": document.get("criteria"), "kind": stored}
        super().__init__(data, initial=initial, auto_id="param_%s")
        self.definition = definition
        self.criteria: CriteriaField | None = None
        kinds = self.fields["kind"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = kind_choices(chosen=bool(stored))
        self.erased = erased(definition)
        asked = (data or initial).get("kind") or stored
        self.refused = bool(data and self.erased and asked != stored and data.get("erase") != asked)
        self.switched = bool(data and asked != stored and not self.refused)
        chosen = stored if self.refused else asked
        self.chosen = chosen
        self.schedule = ScheduleForm(data, definition) if chosen == "schedule" else None
        self.everyone = EveryoneForm(data, definition) if chosen == "schedule" else None
        self.centre = CentreForm(data, definition)
        self.events = EventsForm(data, definition, user=user) if chosen == "event" else None
        self.webhook = WebhookForm(data, definition, replaces=bool(self.erased) and stored != "event")
        if chosen in ("filter", "event") or (self.everyone and not self.everyone.chosen):
            kind = object_types[definition.object]
            label = (
                _("Only records that meet these filters then") if self.events else _("Records that meet these filters")
            )
            self.criteria = CriteriaField(object_type=kind, required=False, label=label)
            self.fields["criteria"] = self.criteria
        filters = self.criteria.sent(data, "criteria") if data and self.criteria else document.get("criteria")
        self.door = DoorForm(data, definition, chosen or "manual", filters, workflow=workflow, user=user)

    @property
    def testable(self) -> bool:
        """Whether there are filters a record can be tried with (TRG-31)."""
        return bool(self.definition.trigger.criteria)

    def op(self) -> dict[str, Any]:
        """The operation that stores what was sent; a family that was not agreed to changes nothing of the trigger."""
        trigger = self.document() if self.refused else self.webhook.added_to(self.document())
        found: dict[str, Any] = {"op": "set_trigger", "trigger": trigger}
        if "door" not in self.data:
            return found
        self.door.is_valid()
        again = self.door.reenroll_document()
        if again is not None and not self.refused and not (self.switched and self.erased):
            trigger.setdefault("kind", "manual")
            trigger["reenroll"] = again
        values = {"op": "set_settings", "values": self.door.values() | self.centre.values()}
        return {"op": "batch", "ops": [found, values]}

    def document(self) -> dict[str, Any]:
        """The trigger as it was sent; {} for none."""
        self.is_valid()
        if self.refused:
            return dict(self.definition.trigger.document)
        if not self.chosen:
            return {}
        trigger: dict[str, Any] = {"kind": self.chosen}
        if self.switched and self.erased:
            return trigger | ({"schedule": self.schedule.document()} if self.schedule is not None else {})
        if self.criteria is not None:
            document = self.criteria.sent(self.data, "criteria")
            if document is not None:
                trigger["criteria"] = document
        if self.events is not None:
            trigger["events"] = self.events.document()
        if self.schedule is not None and self.everyone is not None:
            trigger |= {"schedule": self.schedule.document()} | self.everyone.document()
        return trigger


def kind_choices(*, chosen: bool) -> list[Any]:
    """The families in one order: of a workflow that has none yet under headings (TRG-17)."""
    flat = {slug: (slug, trigger.label) for slug, trigger in triggers.items()}
    specific = [flat.pop(slug) for slug in SPECIFIC if slug in flat]
    by_hand = [flat.pop("manual")] if "manual" in flat else []
    timed = list(flat.values())
    if chosen:
        return [*by_hand, *timed, *specific]
    return [(_("Manual only"), by_hand), (_("At set times"), timed), (_("By specific triggers"), specific)]


def erased(definition: Definition) -> list[str]:
    """What another family of triggers would erase, in sentences; none where there is nothing to lose."""
    trigger, lost = definition.trigger, []
    if any(trigger.document.get(key) for key in ("criteria", "events", "schedule")):
        lost.append(triggers[trigger.kind].describe(trigger.document, definition.object))
    again = trigger.document.get("reenroll")
    if isinstance(again, list) and again:
        told = ngettext("Re-enrollment by %(count)d filter", "Re-enrollment by %(count)d filters", len(again))
        lost.append(told % {"count": len(again)})
    elif again:
        lost.append(_("Re-enrollment"))
    if unenroll_of(definition).get("when_no_longer_matching") is True:
        lost.append(_("Taking out who no longer meets the trigger"))
    return lost
