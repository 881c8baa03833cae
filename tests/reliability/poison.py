"""An action that takes its worker down when it meets a poisonous record. Registered by tests only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from crm.models import Contact
from workflows.actions.base import Action

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class Explode(Action):
    slug = "explode"
    label = "Explode"

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        if Contact.objects.filter(pk__in=batch.ids, last_name="poison").exists():
            os._exit(9)
        batch.done()
