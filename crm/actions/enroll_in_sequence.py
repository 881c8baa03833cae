"""Enroll in sequence: contacts get its emails, one after the other, until they answer (COM-01, ACG-05)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Sequence
from crm.sequences.entering import EnteringAction, SendingForm
from crm.sequences.fields import SequenceField, sequence_named
from workflows.registries import actions
from workflows.step_forms.forms import OWNER
from workflows.step_forms.params import StepContext


@actions.register
class EnrollInSequence(EnteringAction):
    slug = "enroll_in_sequence"
    label = gettext_lazy("Enroll in sequence")
    description = gettext_lazy("Send contacts a series of personal emails, until they answer.")
    icon = "send"
    place = "sequence"

    class Params(SendingForm):
        field_order = ("of", "label", "which", "sequence")

        sequence = SequenceField(label=gettext_lazy("Sequence"), choices=[])

    def sequence_for(self, params: dict[str, Any]) -> Sequence:
        found: Sequence = params["sequence"]
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = sequence_named(document)
        if not name:
            return _("Choose a sequence to enroll in")
        if document.get("sender") == OWNER:
            return _("Enroll in the sequence “%(name)s”, sent by the contact’s owner") % {"name": name}
        user = document.get("user")
        if not isinstance(user, str) or not user:
            return _("Enroll in the sequence “%(name)s”: choose who sends") % {"name": name}
        return _("Enroll in the sequence “%(name)s”, sent by %(user)s") % {"name": name, "user": user}
