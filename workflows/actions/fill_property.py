"""Fill a property with AI: one property by a prompt of a person's own, its answer checked by the type (AIA-05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType
from records.properties import Property
from workflows.ai import asking
from workflows.ai.filling import FillingAction, OneRecordForm, SubjectChosenField, fillable, named
from workflows.ai.prompted import PROMPT_LIMIT
from workflows.ai.steps import ProviderField
from workflows.registries import actions
from workflows.step_forms.forms import FlagField, PropertyField, TokenField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import properties_for, subject_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

TASK = "Find the value of one property of a {record} in the CRM, as the instruction says."
INSTRUCTION = "{prompt}\n\nAnswer with the value of {name}, and with null where it cannot be told."


@actions.register
class FillProperty(FillingAction):
    slug = "fill_property"
    label = gettext_lazy("Fill property with AI")
    description = gettext_lazy("Have a language model work out the value of one property, by a prompt of your own.")

    class Params(OneRecordForm):
        edits = True

        property = PropertyField(label=gettext_lazy("Property to fill in"), writable=True, subject=True)
        prompt = TokenField(
            label=gettext_lazy("How its value is found"), lines=4, max_length=PROMPT_LIMIT,
            help_text=gettext_lazy(
                "Like: what the company sells, in three words. Tokens like {{ deal.name }} name values; what stands "
                "in them is data and never an order."
            ),
        )  # fmt: skip
        known = SubjectChosenField(label=gettext_lazy("What the model is told besides"), needed=False)
        overwrite = FlagField(
            label=gettext_lazy("Overwrite a value that is there"),
            help_text=gettext_lazy("Else it is asked for only where it is blank. It is never emptied."),
        )
        provider = ProviderField()

        def clean_property(self) -> str:
            slug: str = self.cleaned_data["property"]
            prop = self.subject_properties.get(slug)
            if prop is not None and not fillable(prop):
                message = _("AI cannot fill in %(property)s: it is unique, sensitive or a user. Choose another one.")
                raise ValidationError(message % {"property": prop.label})
            return slug

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        subject = subject_of(document, context)
        prop = properties_for(subject, context).get(str(document.get("property") or ""))
        if prop is None:
            return _("Choose a property to fill in")
        facts = {"property": prop.label, "record": subject.label, "prompt": ""}
        if isinstance(document.get("prompt"), str):
            facts["prompt"] = " ".join(document["prompt"].split())[:120]
        if not facts["prompt"]:
            return _("Fill in %(property)s of the %(record)s: say how") % facts
        return _("Fill in %(property)s of the %(record)s: %(prompt)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        told = named(document, "known", context) | tokens.reads(document.get("prompt"), context.object_type)
        return told | self.writes(document, context)

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{subject_of(document, context).slug}.{slug}"} if slug else set()

    def filled(self, params: Mapping[str, Any]) -> list[str]:
        return [params["property"]]

    def told_besides(self, batch: Batch, params: Mapping[str, Any]) -> Mapping[int, Mapping[str, Any]]:
        return asking.values_named(batch, params["prompt"])

    def question_about(self, record: ObjectType, params: Mapping[str, Any], wanted: list[Property]) -> tuple[str, str]:
        prompt = asking.instruction_of(params["prompt"])
        return TASK.format(record=record.slug), INSTRUCTION.format(prompt=prompt, name=wanted[0].slug)
