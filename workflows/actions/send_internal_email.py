"""Send internal email: a mail to people who work here, one delivery for each (COM-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.actions.base import Action
from workflows.models import Delivery
from workflows.registries import actions
from workflows.step_forms.forms import OWNER, TokenField, UsersField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import recipients_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class SendInternalEmail(Action):
    slug = "send_internal_email"
    label = gettext_lazy("Send internal email")
    description = gettext_lazy("Send an email to people who work here.")
    group = gettext_lazy("Communication")
    icon = "mail"

    class Params(ParamsForm):
        to = UsersField(label=gettext_lazy("To"))
        subject = TokenField(label=gettext_lazy("Subject"), max_length=250)
        body = TokenField(label=gettext_lazy("Text"), lines=8)

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        to, subject = document.get("to"), document.get("subject")
        if not to or not isinstance(to, list):
            return _("Choose who gets the email")
        if not subject:
            return _("Email %(people)s: write a subject") % {"people": people(to)}
        return _("Email %(people)s: “%(subject)s”") % {"people": people(to), "subject": subject}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        texts = [tokens.reads(document.get(name), context.object_type) for name in ("subject", "body")]
        return reads_owner(document.get("to"), context).union(*texts)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the mails into the outbox, as they are to be sent; workflows.outbox.delivering sends them."""
        subjects, texts = batch.render(params["subject"], "line"), batch.render(params["body"])
        recipients = recipients_of(batch, params["to"])
        deliveries = []
        for enrollment in batch.enrollments:
            people = recipients[enrollment.record_id]
            addressed = [user for user in people if user.email]
            if not addressed:
                batch.skip(enrollment, "no_email" if people else "no_recipients")
                continue
            batch.note(enrollment, users=[user.pk for user in addressed])
            for user in addressed:
                request = {
                    "to": user.email,
                    "from": settings.DEFAULT_FROM_EMAIL,
                    "subject": subjects[enrollment.record_id][:250],
                    "text": texts[enrollment.record_id],
                }
                deliveries.append(
                    Delivery(
                        key=f"{batch.key(enrollment)}:{user.pk}",
                        kind="mail",
                        enrollment_id=enrollment.id,
                        request=request,
                        due_at=batch.now,
                        created_at=batch.now,
                    )
                )
        Delivery.objects.bulk_create(deliveries)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        ids = detail.get("users") or []
        users = get_user_model()._default_manager.in_bulk(ids)
        names = ", ".join(str(users[pk]) if pk in users else _("a deleted user") for pk in ids)
        sentence = ngettext("Email to {names}", "Emails to {names}", len(ids))
        return format_html(sentence, names=names)


def reads_owner(usernames: Any, context: StepContext) -> set[str]:
    """The record's owner, where it is among the recipients a document names."""
    named = isinstance(usernames, list) and OWNER in usernames
    return {f"{context.object_type.slug}.{OWNER}"} if named else set()


def people(usernames: list[str]) -> str:
    """Recipients as a card names them."""
    return ", ".join(_("the owner") if name == OWNER else str(name) for name in usernames)
