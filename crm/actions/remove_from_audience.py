"""Remove from ads audience: contacts are shown its ads no more (MKT-02, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.actions.add_to_audience import AudienceAction
from crm.audiences import keeping
from crm.audiences.fields import audience_named
from crm.models import Audience
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class RemoveFromAudience(AudienceAction):
    slug = "remove_from_audience"
    label = gettext_lazy("Remove from ads audience")
    description = gettext_lazy("Have contacts shown the ads of an audience no more.")
    icon = "circle-x"

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = audience_named(document)
        if not name:
            return _("Choose an audience to remove from")
        own, associated = (
            _("Remove from the audience “%(audience)s”"),
            _("Remove the associated %(records)s from the audience “%(audience)s”"),
        )
        return self.of_whom(document, context, own, associated, name)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        audience: Audience = params["audience"]
        targets = targets_of(batch, params)
        removed = keeping.remove(audience, targets.ids, now=batch.now)
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            gone = removed.intersection(contacts)
            batch.output(enrollment, changed=len(gone))
            if gone:
                batch.done(
                    enrollment, audience=audience.slug, name=audience.name, contacts=len(gone), of=bool(params["of"])
                )
            else:
                batch.skip(enrollment, "not_in_audience", name=audience.name)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        name, count = str(detail.get("name") or detail.get("audience") or "–"), detail.get("contacts")
        if not detail.get("of") or not isinstance(count, int):
            return format_html(_("Removed from the audience “{audience}”"), audience=name)
        sentence = ngettext(
            "Removed {count} associated contact from the audience “{audience}”",
            "Removed {count} associated contacts from the audience “{audience}”",
            count,
        )
        return format_html(sentence, count=count, audience=name)
