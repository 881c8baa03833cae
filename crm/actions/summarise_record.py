"""Summarise record: a text about a record, made of its properties and its newest activities (AIA-04)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import recent_activities
from records.properties import Property
from workflows.ai import asking, typed
from workflows.ai.steps import AskingAction, ProviderField, brief
from workflows.ai.wires import Question
from workflows.engine.json_values import json_values
from workflows.models import AIProvider, Delivery
from workflows.outbox.composing import sent_properties
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField, FlagField, TokenField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

SUMMARY = "summary"
LENGTHS = {
    "sentence": (gettext_lazy("One sentence"), "one sentence"),
    "paragraph": (gettext_lazy("A paragraph"), "one paragraph of at most five sentences"),
    "page": (gettext_lazy("A page"), "at most one page, with the most important first"),
}
TASK = "Summarise the record for a colleague who is about to deal with it."
INSTRUCTION = (
    "Summarise the {record} and, if there are any, its newest activities, in {length}. Write in the language most of "
    "its texts are in. Say only what stands there."
)


@actions.register
class SummariseRecord(AskingAction):
    slug = "summarise_record"
    label = gettext_lazy("Summarise record with AI")
    description = gettext_lazy("Have a language model write a text about the record, for later steps to use.")

    class Params(ParamsForm):
        length = ChoiceField(
            label=gettext_lazy("How long"),
            choices=[("", "—"), *((slug, label) for slug, (label, _en) in LENGTHS.items())],
        )
        activities = FlagField(
            label=gettext_lazy("Its newest activities, too"),
            help_text=gettext_lazy("Notes, tasks, meetings, calls and emails: the ten newest of each."),
        )
        focus = TokenField(
            label=gettext_lazy("What matters most"), required=False, max_length=1_000,
            help_text=gettext_lazy("Like: what was promised, and what is still open."),
        )  # fmt: skip
        provider = ProviderField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        length = document.get("length")
        if not isinstance(length, str) or length not in LENGTHS:
            return _("Choose how long the summary is")
        facts = {"record": context.object_type.label, "length": LENGTHS[length][0]}
        if document.get("activities"):
            return _("Summarise the %(record)s and its activities: %(length)s") % facts
        return _("Summarise the %(record)s: %(length)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        own = {f"{context.object_type.slug}.{slug}" for slug in sent_properties(context.properties)}
        told = recent_activities.told_of(context.object_type) if document.get("activities") else set()
        return own | told | tokens.reads(document.get("focus"), context.object_type)

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {SUMMARY: Property(SUMMARY, gettext_lazy("Summary"), "multi_line")}

    def questions(
        self, batch: Batch, params: dict[str, Any], provider: AIProvider
    ) -> Mapping[int, tuple[Question, dict[str, Any]]]:
        told = json_values(batch, sent_properties(batch.properties))
        named = asking.values_named(batch, params["focus"])
        newest = recent_activities.newest(batch.object_type, batch.ids) if params["activities"] else {}
        nothing: list[dict[str, Any]] = []
        instruction = self.instruction(batch, params)
        wanted = list(self.outputs(params, batch.context).values())
        found = {}
        for one in batch.enrollments:
            own = {slug: value for slug, value in told[one.record_id].items() if value not in (None, "", [])}
            done = newest.get(one.record_id, nothing)
            data = {**named[one.record_id], "properties": own, "activities": done}
            found[one.id] = asking.question(TASK, instruction, data, wanted), {"activities": len(done)}
        return found

    def instruction(self, batch: Batch, params: dict[str, Any]) -> str:
        length = LENGTHS[params["length"]][1]
        text = INSTRUCTION.format(record=batch.object_type.slug, length=length)
        return f"{text} What matters most: {asking.instruction_of(params['focus'])}" if params["focus"] else text

    def heard(self, batch: Batch, params: dict[str, Any], answers: list[tuple[Standing, Delivery]]) -> None:
        wanted = list(self.outputs(params, batch.context).values())
        for enrollment, delivery in answers:
            answer = delivery.answer or {}
            found, misfits = typed.read(answer["values"], wanted)
            batch.output(enrollment, summary=found.get(SUMMARY))
            facts: dict[str, Any] = {"activities": delivery.request["ask"].get("activities", 0)}
            facts["values"] = {SUMMARY: brief(found.get(SUMMARY))}
            batch.done(enrollment, **facts, **({"misfits": misfits} if misfits else {}))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        values = detail.get("values")
        text = values.get(SUMMARY) if isinstance(values, dict) else None
        if outcome == "waiting" or not isinstance(text, str):
            return super().told(detail, outcome, context)
        return format_html(_("{model} wrote “{text}”"), model=str(detail.get("model") or "?"), text=text)
