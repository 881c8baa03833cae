"""Add to ads audience: contacts are shown ads from now on, in an audience there is or a new one (MKT-01, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.audiences import keeping
from crm.audiences.fields import AudienceField, audience_named
from crm.audiences.hashing import hashes_of
from crm.audiences.permitting import refusals
from crm.models import Audience
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import TextField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, subject_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class AudienceAction(Action):
    """What adding to an audience and removing from one have in common."""

    group = gettext_lazy("Marketing")

    class Params(TargetForm):
        to = "contact"

        audience = AudienceField(label=gettext_lazy("Audience"), choices=[])

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", Audience, "audience")]

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of contacts changed"), "number")}

    def of_whom(self, document: dict[str, Any], context: StepContext, own: str, associated: str, name: str) -> str:
        """A card's sentence, about the enrolled contact or associated ones."""
        if document.get("of"):
            return associated % {"audience": name, "records": str(subject_of(document, context).label_plural)}
        return own % {"audience": name}


@actions.register
class AddToAudience(AudienceAction):
    slug = "add_to_audience"
    label = gettext_lazy("Add to ads audience")
    description = gettext_lazy("Have contacts shown ads: they are told to the ad network as hashes.")
    icon = "users"

    class Params(AudienceAction.Params):
        audience = AudienceField(label=gettext_lazy("Audience"), choices=[], required=False)
        new = TextField(
            label=gettext_lazy("Or a new audience"), required=False, max_length=keeping.NAME_LENGTH,
            help_text=gettext_lazy("Its name. It is made when the first contact comes."),
        )  # fmt: skip

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and bool(cleaned.get("audience")) == bool(cleaned.get("new")):
                self.add_error("audience", _("Choose an audience, or name a new one: one of the two."))
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        return [*found, *(not_allowed(context.user, "add", Audience, "new") if document.get("new") else [])]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        new = document.get("new")
        name = audience_named(document) or (new if isinstance(new, str) else "")
        if not name:
            return _("Choose an audience to add to")
        own, associated = (
            _("Add to the audience “%(audience)s”"),
            _("Add the associated %(records)s to the audience “%(audience)s”"),
        )
        return self.of_whom(document, context, own, associated, name)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {"contact.email", "contact.mobile", "contact.phone"}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Whom one may not show ads is left out; one statement adds the others."""
        audience = params["audience"] or keeping.named(params["new"])
        targets = targets_of(batch, params)
        people = list(targets.object_type.records().filter(pk__in=targets.ids))
        reasons = refusals(audience, people)
        reasons |= {one.pk: "audience_no_address" for one in people if one.pk not in reasons and not hashes_of(one)}
        added = keeping.add(audience, [one for one in people if one.pk not in reasons], now=batch.now)
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            new = added.intersection(contacts)
            batch.output(enrollment, changed=len(new))
            if new:
                batch.done(
                    enrollment, audience=audience.slug, name=audience.name, contacts=len(new), of=bool(params["of"])
                )
            else:
                own = {reasons.get(pk, "in_audience") for pk in contacts}
                batch.skip(enrollment, own.pop() if len(own) == 1 else "audience_left_out", name=audience.name)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name, count = str(detail.get("name") or detail.get("audience") or "–"), detail.get("contacts")
        if not detail.get("of") or not isinstance(count, int):
            return format_html(_("Added to the audience “{audience}”"), audience=name)
        sentence = ngettext(
            "Added {count} associated contact to the audience “{audience}”",
            "Added {count} associated contacts to the audience “{audience}”",
            count,
        )
        return format_html(sentence, count=count, audience=name)
