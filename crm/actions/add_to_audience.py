"""Add to ads audience: contacts are shown ads from now on, in an audience there is or a new one (MKT-01, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.audiences import keeping
from crm.audiences.fields import AudienceField
from crm.audiences.hashing import hashes_of
from crm.audiences.permitting import refusals
from crm.audiences.steps import AudienceAction
from crm.models import Audience
from records.problems import Problem
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import TextField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class AddToAudience(AudienceAction):
    slug = "add_to_audience"
    label = gettext_lazy("Add to ads audience")
    description = gettext_lazy("Have contacts shown ads: they are told to the ad network as hashes.")
    icon = "users"
    choose = gettext_lazy("Choose an audience to add to")
    own = gettext_lazy("Add to the audience “%(audience)s”")
    associated = gettext_lazy("Add the associated %(records)s to the audience “%(audience)s”")
    did = gettext_lazy("Added to the audience “{audience}”")

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

    def did_to(self, count: int) -> str:
        return ngettext(
            "Added {count} associated contact to the audience “{audience}”",
            "Added {count} associated contacts to the audience “{audience}”",
            count,
        )

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        return [*found, *(not_allowed(context.user, "add", Audience, "new") if document.get("new") else [])]

    def named(self, document: dict[str, Any]) -> str:
        new = document.get("new")
        return super().named(document) or (new if isinstance(new, str) else "")

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

        def why_not(contacts: list[int]) -> str:
            own = {reasons.get(pk, "in_audience") for pk in contacts}
            return own.pop() if len(own) == 1 else "audience_left_out"

        self.answer(batch, params, audience, targets, added, why_not)
