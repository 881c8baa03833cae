"""Enrich record: a model fills in properties of contacts and companies, each checked by its type (AIA-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import ObjectType
from records.properties import Property
from workflows.ai.filling import FillingAction, OneRecordForm, SubjectChosenField, named, texts
from workflows.ai.steps import ProviderField
from workflows.registries import actions
from workflows.step_forms.forms import FlagField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import properties_for, subject_of

KINDS = ("contact", "company")
TASK = "Fill in what is not known of a {record} in the CRM, from what is publicly known about it."
INSTRUCTION = "Find these values of the {record} in the record: {names}."


@actions.register
class EnrichRecord(FillingAction):
    slug = "enrich_record"
    label = gettext_lazy("Enrich record with AI")
    description = gettext_lazy("Have a language model fill in properties of a contact or a company.")

    class Params(OneRecordForm):
        edits = True

        properties = SubjectChosenField(filled=True, label=gettext_lazy("Properties to fill in"))
        known = SubjectChosenField(
            label=gettext_lazy("What the model is told"),
            help_text=gettext_lazy("By which it knows who is meant: the name, the website."),
        )
        overwrite = FlagField(
            label=gettext_lazy("Overwrite values that are there"),
            help_text=gettext_lazy("Else only blank properties are asked for. Nothing is ever emptied."),
        )
        provider = ProviderField()

        @classmethod
        def takes(cls, own: ObjectType, other: ObjectType) -> bool:
            return other.slug in KINDS and super().takes(own, other)

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        slugs = document.get("properties")
        known = properties_for(subject_of(document, context), context)
        names = [str(known[slug].label) for slug in texts(slugs) if slug in known]
        if not names:
            return _("Choose properties to fill in")
        facts = {"record": subject_of(document, context).label, "names": ", ".join(names)[:160]}
        return _("Fill in %(names)s of the %(record)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return named(document, "known", context) | named(document, "properties", context)

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return named(document, "properties", context)

    def filled(self, params: Mapping[str, Any]) -> list[str]:
        found: list[str] = params["properties"]
        return found

    def question_about(self, record: ObjectType, params: Mapping[str, Any], wanted: list[Property]) -> tuple[str, str]:
        names = ", ".join(prop.slug for prop in wanted)
        return TASK.format(record=record.slug), INSTRUCTION.format(record=record.slug, names=names)
