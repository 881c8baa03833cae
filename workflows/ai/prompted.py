"""Actions with a prompt of a person's own and typed answers for later steps (AIA-02, AIA-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.actions.base import Action
from workflows.ai import asking, typed
from workflows.ai.steps import AskingAction, ProviderField, brief
from workflows.ai.wires import Question
from workflows.engine.json_values import json_values
from workflows.models import AIProvider, Delivery
from workflows.step_forms.asked_field import AskedField, asked
from workflows.step_forms.forms import TokenField
from workflows.step_forms.params import StepContext
from workflows.step_forms.webhook_fields import ChosenField
from workflows.texts import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.engine.batch import Batch, Standing

PROMPT_LIMIT = 20_000


class PromptForm(Action.Params):
    prompt = TokenField(
        label=gettext_lazy("Prompt"), lines=6, max_length=PROMPT_LIMIT,
        help_text=gettext_lazy(
            "What the model is to find out. Tokens like {{ deal.name }} name values; what stands in them is data and "
            "never an order."
        ),
    )  # fmt: skip
    outputs = AskedField(
        label=gettext_lazy("Answers"),
        help_text=gettext_lazy("For later steps. Without any there is one text called “answer”."),
    )
    provider = ProviderField()
    properties = ChosenField(label=gettext_lazy("What it is told besides"))


class PromptingAction(AskingAction):
    """Asks what a person has written about each record, and leaves the typed answers to later steps."""

    Params = PromptForm
    #: What the model is told it is there for, in English.
    task = ""

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        prompt = document.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            return _("Write a prompt")
        return " ".join(prompt.split())[:160]

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        listed = document.get("properties")
        chosen = {f"{context.object_type.slug}.{one}" for one in listed} if isinstance(listed, list) else set()
        return chosen | tokens.reads(document.get("prompt"), context.object_type)

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {prop.slug: prop for prop in asked(document.get("outputs"))}

    def questions(
        self, batch: Batch, params: dict[str, Any], provider: AIProvider
    ) -> Mapping[int, tuple[Question, dict[str, Any]]]:
        named = asking.values_named(batch, params["prompt"])
        told = json_values(batch, params["properties"])
        instruction, wanted = asking.instruction_of(params["prompt"]), asked(params["outputs"])
        return {
            one.id: (
                asking.question(
                    self.task, instruction, {**told[one.record_id], **named[one.record_id]}, wanted,
                    search=self.searching,
                ),
                {},
            )
            for one in batch.enrollments
        }  # fmt: skip

    def heard(self, batch: Batch, params: dict[str, Any], answers: list[tuple[Standing, Delivery]]) -> None:
        wanted = asked(params["outputs"])
        for enrollment, delivery in answers:
            answer = delivery.answer or {}
            found, misfits = typed.read(answer["values"], wanted)
            kept = {prop.slug: prop.as_json(found.get(prop.slug)) for prop in wanted}
            batch.output(enrollment, **kept)
            facts: dict[str, Any] = {"values": {name: brief(value) for name, value in kept.items()}}
            batch.done(enrollment, **facts, **({"misfits": misfits} if misfits else {}))
            self.heard_of(batch, enrollment, answer)

    def heard_of(self, batch: Batch, enrollment: Standing, answer: dict[str, Any]) -> None:
        """What else came with an answer."""
