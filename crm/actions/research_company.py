"""Research company: what the web tells of a company, as values later steps use (AIA-05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.labelling import PRIMARY
from records.properties import Property
from workflows.ai import asking, typed
from workflows.ai.filling import SEARCHING, OneRecordForm, SubjectChosenField, named
from workflows.ai.steps import AskingAction, ProviderField, brief
from workflows.ai.wires import Question
from workflows.engine.json_values import as_json
from workflows.models import AIProvider, Delivery
from workflows.registries import actions
from workflows.step_forms.forms import TokenField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import properties_for, targets_of
from workflows.texts import tokens
from workflows.texts.token_values import column_of as values_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

SOURCES = "sources"
TASK = "Research a company for a salesperson who is about to talk to it." + SEARCHING
INSTRUCTION = "Find these values of the company in the record: {names}. What you do not find is null."
FOCUS = " What matters most: {focus}"
#: What is found out, by name: its type, its label, and what the model is told of it.
FOUND = {
    "summary": ("multi_line", gettext_lazy("Summary"), "What the company does and for whom, in five sentences"),
    "products": ("multi_line", gettext_lazy("Products and services"), "What it sells, one a line"),
    "news": ("multi_line", gettext_lazy("News"), "What happened there lately, each on a line with its date"),
    "headquarters": ("text", gettext_lazy("Headquarters"), "City and country"),
    "founded": ("number", gettext_lazy("Founded in"), "The year"),
    "employees": ("number", gettext_lazy("Number of employees"), ""),
    "website": ("url", gettext_lazy("Website"), "Its address"),
}


@actions.register
class ResearchCompany(AskingAction):
    slug = "research_company"
    label = gettext_lazy("Research company with AI")
    description = gettext_lazy("Have a language model search the web about a company, for later steps to use.")
    searching = True

    class Params(OneRecordForm):
        to = "company"

        known = SubjectChosenField(
            label=gettext_lazy("What the model is told"),
            help_text=gettext_lazy("By which it knows which company is meant: the name, the website."),
        )
        focus = TokenField(
            label=gettext_lazy("What matters most"), required=False, max_length=1_000,
            help_text=gettext_lazy("Like: what they use today, and who decides."),
        )  # fmt: skip
        provider = ProviderField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        focus = document.get("focus")
        if isinstance(focus, str) and focus.strip():
            return _("Research the company: %(focus)s") % {"focus": " ".join(focus.split())[:160]}
        return _("Research the company")

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return named(document, "known", context) | tokens.reads(document.get("focus"), context.object_type)

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return found_out() | {SOURCES: Property(SOURCES, gettext_lazy("Pages it rests on"), "multi_line")}

    def questions(
        self, batch: Batch, params: dict[str, Any], provider: AIProvider
    ) -> Mapping[int, tuple[Question, dict[str, Any]]]:
        targets = targets_of(batch, {**params, "which": PRIMARY})
        known = properties_for(targets.object_type, batch.context)
        records = list(targets.object_type.records().filter(pk__in=targets.ids))
        told = {
            slug: as_json(known[slug], values_of(targets.object_type, known[slug], records))
            for slug in params["known"]
        }
        besides = asking.values_named(batch, params["focus"])
        wanted = found_out()
        instruction = INSTRUCTION.format(names=", ".join(wanted))
        if params["focus"]:
            instruction += FOCUS.format(focus=asking.instruction_of(params["focus"]))
        found = {}
        for enrollment in batch.enrollments:
            for pk in targets.of(enrollment):
                data = {slug: values.get(pk) for slug, values in told.items()} | besides[enrollment.record_id]
                asked = asking.question(TASK, instruction, data, wanted.values(), search=True)
                found[enrollment.id] = asked, {"record": pk}
        return found

    def heard(self, batch: Batch, params: dict[str, Any], answers: list[tuple[Standing, Delivery]]) -> None:
        wanted = found_out()
        for enrollment, delivery in answers:
            answer = delivery.answer or {}
            found, misfits = typed.read(answer["values"], wanted.values())
            kept = {name: prop.as_json(found.get(name)) for name, prop in wanted.items()}
            pages = answer.get("sources") or []
            batch.output(enrollment, **kept, sources="\n".join(pages) or None)
            facts: dict[str, Any] = {
                "values": {name: brief(value) for name, value in kept.items() if value is not None}
            }
            batch.done(enrollment, pages=len(pages), **facts, **({"misfits": misfits} if misfits else {}))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        sentence, pages = super().told(detail, outcome, context), detail.get("pages")
        if not isinstance(pages, int):
            return sentence
        resting = ngettext("{sentence}, from {count} page", "{sentence}, from {count} pages", pages)
        return format_html(resting, sentence=sentence, count=pages)


def found_out() -> dict[str, Property]:
    """What is found out of a company, as later steps see it."""
    return {name: Property(name, label, type, description=about) for name, (type, label, about) in FOUND.items()}
