"""What the actions about ads audiences do alike: whom they are about, how they answer, and what they tell."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from crm.audiences.fields import AudienceField, audience_named
from crm.models import Audience
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.rights.doing import not_allowed
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, Targets, subject_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class AudienceAction(Action):
    """What adding to an audience and removing from one have in common."""

    group = gettext_lazy("Marketing")
    #: For the card: what is to be chosen, and the sentence about the enrolled contact and about associated ones.
    choose: str | Promise
    own: str | Promise
    associated: str | Promise
    #: For the history, with {audience}: what was done with the enrolled contact.
    did: str | Promise

    class Params(TargetForm):
        to = "contact"

        audience = AudienceField(label=gettext_lazy("Audience"), choices=[])

    @abstractmethod
    def did_to(self, count: int) -> str:
        """What was done with so many associated contacts, with {count} and {audience}."""

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", Audience, "audience")]

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of contacts changed"), "number")}

    def named(self, document: dict[str, Any]) -> str:
        """The name of the audience a step is about; "" when none is chosen (any more)."""
        return audience_named(document)

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = self.named(document)
        if not name:
            return str(self.choose)
        if document.get("of"):
            records = str(subject_of(document, context).label_plural)
            return str(self.associated) % {"audience": name, "records": records}
        return str(self.own) % {"audience": name}

    def answer(
        self,
        batch: Batch,
        params: dict[str, Any],
        audience: Audience,
        targets: Targets,
        changed: Collection[int],
        why_not: Callable[[list[int]], str],
    ) -> None:
        """Answer for each enrollment by which of its contacts were `changed`; `why_not` gives the reason for none."""
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            count = sum(pk in changed for pk in contacts)
            batch.output(enrollment, changed=count)
            if count:
                facts = {"audience": audience.slug, "name": audience.name, "contacts": count}
                batch.done(enrollment, **facts, of=bool(params["of"]))
            else:
                batch.skip(enrollment, why_not(contacts), name=audience.name)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name, count = str(detail.get("name") or detail.get("audience") or "–"), detail.get("contacts")
        if not detail.get("of") or not isinstance(count, int):
            return format_html(str(self.did), audience=name)
        return format_html(self.did_to(count), count=count, audience=name)
