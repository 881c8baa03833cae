"""What the actions that ask a model have in common: the quota, the question in the outbox, and taking the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from workflows.actions.base import Action
from workflows.ai import asking, providers, quota
from workflows.ai.wires import Question
from workflows.models import AIProvider, Delivery
from workflows.outbox import ordering
from workflows.outside.targets import NotAllowed
from workflows.step_forms.forms import ChoiceField
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

State = Delivery.State
#: Signs of a value in the history.
SHOWN = 200


class ProviderField(ChoiceField):
    """An AI provider by its slug; "" is the default one."""

    #: What the value names (workflows.dependencies).
    names = "provider"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("AI provider"))
        super().__init__(required=False, **kwargs)

    def use_context(self, context: StepContext) -> None:
        rows = list(AIProvider.objects.order_by("name", "pk"))
        default = next((one.name for one in rows if one.is_default), "")
        first = _("The default one (%(name)s)") % {"name": default} if default else _("The default one")
        self.choices = [("", first), *((one.slug, f"{one.name} ({one.model})") for one in rows)]


class AskingAction(Action):
    """An action that asks a model: nothing is sent while the engine works, the answer is taken when it is there.

    Subclasses say what is asked (`questions`) and what is done with the answers (`heard`).
    """

    group = gettext_lazy("AI")
    icon = "sparkles"
    permission = "workflows.use_aiprovider"
    #: Whether only a provider that searches the web can be asked.
    searching = False

    def unavailable(self) -> str:
        if not AIProvider.objects.exists():
            return _("No AI provider is set up")
        if self.searching and not AIProvider.objects.filter(searches=True).exists():
            return _("No AI provider searches the web")
        return ""

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        slug = document.get("provider") or ""
        if not any(problem.path == "provider" for problem in found) and (
            why := providers.missing(slug, searching=self.searching)
        ):
            found.append(Problem("provider", why, slug, code="no_ai_provider"))
        return found

    @abstractmethod
    def questions(
        self, batch: Batch, params: dict[str, Any], provider: AIProvider
    ) -> Mapping[int, tuple[Question, dict[str, Any]]]:
        """By enrollment what is asked, and facts that come back with the answer; others are answered here."""

    @abstractmethod
    def heard(self, batch: Batch, params: dict[str, Any], answers: list[tuple[Standing, Delivery]]) -> None:
        """Answer for the enrollments whose answers are there: `delivery.answer["values"]` is what the model said."""

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the questions into the outbox; workflows.outbox.requesting sends them."""
        provider = providers.find(params.get("provider"))
        if provider is None:
            batch.fail(None, "not_asked", error=providers.missing(params.get("provider")))
            return
        requests = self.requests(batch, params, provider)
        asked = [one for one in batch.enrollments if one.id in requests]
        permitted = quota.take(self.slug, len(asked), batch.now)
        batch.fail(asked[permitted:], "ai_quota", limit=quota.limit())
        batch.wait(asked[:permitted], None, model=provider.model)
        ordering.order([ordering.delivery(batch, one, requests[one.id]) for one in asked[:permitted]], batch.now)

    def requests(self, batch: Batch, params: dict[str, Any], provider: AIProvider) -> dict[int, dict[str, Any]]:
        """The requests by enrollment; those that cannot be made are answered as failed."""
        questions = self.questions(batch, params, provider)
        found = {}
        for enrollment in batch.enrollments:
            if enrollment.id not in questions:
                continue
            question, facts = questions[enrollment.id]
            try:
                found[enrollment.id] = asking.request(provider, question, self.slug, **facts)
            except NotAllowed as error:
                batch.fail(enrollment, "not_asked", error=str(error)[:500])
        return found

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        """The provider has answered, or nobody will ask it any more."""
        found = ordering.found(batch)
        again: list[tuple[Standing, Delivery]] = []
        done: list[tuple[Standing, Delivery]] = []
        for enrollment in batch.enrollments:
            delivery = found.get(enrollment.id)
            answer = (delivery.answer or {}) if delivery else {}
            model = str(delivery.request.get("ask", {}).get("model", "")) if delivery else ""
            if delivery is None or delivery.state == State.SKIPPED:
                batch.skip(enrollment, "not_sent")
            elif delivery.state == State.DEAD and enrollment.tries > answer.get("tries", 0):
                again.append((enrollment, delivery))
            elif delivery.state == State.DEAD:
                batch.fail(enrollment, "not_asked", error=delivery.last_error[:500])
            elif delivery.state == State.DONE and isinstance(answer.get("values"), dict):
                batch.note(enrollment, model=model)
                done.append((enrollment, delivery))
            elif delivery.state == State.DONE:
                batch.skip(enrollment, "not_sent")
            else:
                batch.wait(enrollment, None, model=model)
        self.ask_again(batch, again)
        if done:
            self.heard(batch, params, done)

    def ask_again(self, batch: Batch, again: list[tuple[Standing, Delivery]]) -> None:
        """Ask once more what was given up: each counts like a question asked for the first time."""
        permitted = quota.take(self.slug, len(again), batch.now) if again else 0
        for enrollment, delivery in again[:permitted]:
            batch.wait(enrollment, None, model=str(delivery.request.get("ask", {}).get("model", "")))
        batch.fail([enrollment for enrollment, _delivery in again[permitted:]], "ai_quota", limit=quota.limit())
        ordering.order_again([(delivery, one.tries) for one, delivery in again[:permitted]], batch.now)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        model = str(detail.get("model") or "?")
        if outcome == "waiting":
            return format_html(_("{model} was asked: waits for the answer"), model=model)
        values, misfits = detail.get("values"), detail.get("misfits")
        said = listed(values.items()) if isinstance(values, dict) else ""
        wrong = ", ".join(str(name) for name in misfits) if isinstance(misfits, list | dict) else ""
        if wrong:
            sentence = _("{model} answered {values}. Left out, as they did not fit: {names}")
            return format_html(sentence, model=model, values=said or "—", names=wrong)
        return format_html(_("{model} answered {values}"), model=model, values=said or "—")


def listed(values: Iterable[tuple[str, Any]]) -> str:
    """Values with their names, as the history has them."""
    return ", ".join(f"{name}: {'—' if value is None else value}" for name, value in values)


def brief(value: Any) -> Any:
    """A value as the history keeps it."""
    return value[:SHOWN] if isinstance(value, str) else value
