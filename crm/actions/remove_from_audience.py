"""Remove from ads audience: contacts are shown its ads no more (MKT-02, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy, ngettext

from crm.audiences import keeping
from crm.audiences.steps import AudienceAction
from workflows.registries import actions
from workflows.step_forms.targets import targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class RemoveFromAudience(AudienceAction):
    slug = "remove_from_audience"
    label = gettext_lazy("Remove from ads audience")
    description = gettext_lazy("Have contacts shown the ads of an audience no more.")
    icon = "circle-x"
    choose = gettext_lazy("Choose an audience to remove from")
    own = gettext_lazy("Remove from the audience “%(audience)s”")
    associated = gettext_lazy("Remove the associated %(records)s from the audience “%(audience)s”")
    did = gettext_lazy("Removed from the audience “{audience}”")

    def did_to(self, count: int) -> str:
        return ngettext(
            "Removed {count} associated contact from the audience “{audience}”",
            "Removed {count} associated contacts from the audience “{audience}”",
            count,
        )

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        targets = targets_of(batch, params)
        removed = keeping.remove(params["audience"], targets.ids, now=batch.now)
        self.answer(batch, params, params["audience"], targets, removed, lambda _contacts: "not_in_audience")
