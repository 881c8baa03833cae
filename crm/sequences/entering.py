"""What actions that enroll contacts in sequences have in common: who sends, how it is told (COM-01, COM-06)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import Contact, Sequence, SequenceEnrollment
from crm.sequences.enrolling import Enrolled, Sending, enroll
from crm.sequences.fields import AddressField
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import OWNER, ChoiceField, UserField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

USER = "user"


class SendingForm(TargetForm):
    """Which contacts are enrolled, and who sends to them."""

    to = "contact"

    sender = ChoiceField(
        label=gettext_lazy("Sender"),
        choices=[(USER, gettext_lazy("A user")), (OWNER, gettext_lazy("The contact’s owner"))],
    )
    user = UserField(label=gettext_lazy("User who sends"), required=False, owner=False)
    from_address = AddressField(
        label=gettext_lazy("From-address"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("Leave it out for the sender’s own."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sender"].widget.attrs["data-refresh"] = "panel"
        if self.raw("sender") == OWNER:
            self.fields["user"].widget = forms.HiddenInput()

    def clean_user(self) -> str:
        user, sender = self.cleaned_data.get("user") or "", self.cleaned_data.get("sender")
        if sender == USER and not user:
            raise ValidationError(_("Choose the user who sends."))
        return user if sender == USER else ""


class EnteringAction(Action):
    """Enrolls contacts in the sequence that `sequence_for` finds."""

    group = gettext_lazy("Communication")
    #: The param a missing right is told of at.
    place = "sender"
    #: Why nobody is enrolled where there is no sequence.
    missing = ""

    @abstractmethod
    def sequence_for(self, params: dict[str, Any]) -> Sequence | None:
        """The sequence cleaned params name; None when there is none of the kind."""

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [
            *super().problems(document, context),
            *not_allowed(context.user, "add", SequenceEnrollment, self.place),
        ]

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {"contact.email"} | ({f"contact.{OWNER}"} if document.get("sender") == OWNER else set())

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"enrolled": Property("enrolled", gettext_lazy("Number of contacts enrolled"), "number")}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One statement enrolls all contacts that can be."""
        sequence = self.sequence_for(params)
        if sequence is None:
            batch.skip(None, self.missing)
            return
        targets = targets_of(batch, params)
        senders = senders_of(targets.ids, params)
        done = enroll(sequence, senders, now=batch.now, workflow_id=batch.workflow.pk)
        for enrollment in batch.enrollments:
            if contacts := targets.of(enrollment):
                self.answer(batch, enrollment, contacts, done, sequence)

    def answer(
        self, batch: Batch, enrollment: Standing, contacts: list[int], done: Enrolled, sequence: Sequence
    ) -> None:
        made = [pk for pk in contacts if pk in done.made]
        facts = {"sequence": sequence.pk, "name": sequence.name}
        if made:
            batch.done(enrollment, contacts=len(made), left_out=len(contacts) - len(made), **facts)
        else:
            batch.skip(enrollment, done.refused[contacts[0]], **facts)
        batch.output(enrollment, enrolled=len(made))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        made, left_out = (n if isinstance(n := detail.get(key), int) else 0 for key in ("contacts", "left_out"))
        sentence = ngettext(
            "Enrolled {count} contact in the sequence “{name}”", "Enrolled {count} contacts in the sequence “{name}”",
            made,
        )  # fmt: skip
        told = format_html(sentence, count=made, name=detail.get("name") or "–")
        if not left_out:
            return told
        more = ngettext("{count} could not be", "{count} could not be", left_out)
        return format_html("{}; {}", told, format_html(more, count=left_out))


def senders_of(ids: list[int], params: dict[str, Any]) -> dict[int, Sending | None]:
    """Who sends to each contact: one user, or each contact's owner."""
    users, address = get_user_model()._default_manager, params["from_address"] or ""
    if params["sender"] == OWNER:
        owners = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
        people = users.in_bulk({owner for owner in owners.values() if owner is not None})
        found = {pk: people.get(owners.get(pk)) for pk in ids}
    else:
        found = dict.fromkeys(ids, users.filter(username=params["user"]).first())
    return {pk: Sending(user, address) if user is not None else None for pk, user in found.items()}
