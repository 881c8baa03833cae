"""Set marketing contact status: to marketing at once, to non-marketing later (MKT-05, MKT-06, ACG-05)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.marketing import Outcome, set_marketing
from crm.models import MarketingStatus
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, subject_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

STATUS = "marketing_status"


@actions.register
class SetMarketingStatus(Action):
    slug = "set_marketing_status"
    label = gettext_lazy("Set marketing contact status")
    description = gettext_lazy("Make contacts marketing contacts, or non-marketing ones from the next update on.")
    group = gettext_lazy("Marketing")
    icon = "target"

    class Params(TargetForm):
        to = "contact"

        status = ChoiceField(
            label=gettext_lazy("Status"),
            choices=[("", "—"), *MarketingStatus.choices],
            help_text=gettext_lazy(
                "Marketing: at once. Non-marketing: from the first of next month or the renewal date on, whichever "
                "is earlier."
            ),
        )

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        status = document.get("status")
        if status not in MarketingStatus.values:
            return _("Choose a status")
        facts = {"status": MarketingStatus(str(status)).label, "records": subject_of(document, context).label_plural}
        if document.get("of"):
            return _("Associated %(records)s: %(status)s") % facts
        return _("Set to: %(status)s") % facts

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {f"contact.{STATUS}"}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of contacts changed"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        targets = targets_of(batch, params)
        outcome = set_marketing(targets.ids, params["status"], now=batch.now, workflow_id=batch.workflow.pk)
        for enrollment in batch.enrollments:
            contacts = set(targets.of(enrollment))
            changed = contacts & outcome.changed
            batch.output(enrollment, changed=len(changed))
            if changed:
                facts = facts_of(outcome, changed)
                batch.done(enrollment, status=params["status"], of=bool(params["of"]), contacts=len(changed), **facts)
            elif contacts:
                batch.skip(enrollment, "same_marketing_status", status=params["status"])

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count = detail.get("contacts")
        several = bool(detail.get("of")) and isinstance(count, int)
        facts = {"count": count, "day": shown(detail.get("on"))}
        if detail.get("status") == MarketingStatus.MARKETING:
            if several:
                sentence = ngettext(
                    "Made {count} associated contact a marketing contact",
                    "Made {count} associated contacts marketing contacts",
                    int(count or 0),
                )
                return format_html(sentence, **facts)
            if detail.get("called_off"):
                return _("The contact stays a marketing contact: becoming non-marketing was called off")
            return _("Made the contact a marketing contact")
        if several:
            sentence = ngettext(
                "{count} associated contact becomes non-marketing on {day}",
                "{count} associated contacts become non-marketing on {day}",
                int(count or 0),
            )
            return format_html(sentence, **facts)
        return format_html(
            _("The contact becomes non-marketing on {day}, and stays a marketing contact until then"), **facts
        )


def facts_of(outcome: Outcome, changed: set[int]) -> dict[str, Any]:
    """What the history keeps: the day on which they become non-marketing, or that this was called off."""
    if changed & outcome.due.keys():
        return {"on": min(outcome.due[pk] for pk in changed & outcome.due.keys()).isoformat()}
    return {"called_off": True} if changed <= outcome.called_off else {}


def shown(day: Any) -> str:
    """A day of the log as a person reads it."""
    try:
        return date_format(dt.date.fromisoformat(str(day)), "DATE_FORMAT")
    except ValueError:
        return str(day or "–")
