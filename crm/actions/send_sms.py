"""Send a text message to the enrolled contact, or to contacts associated with the record (COM-13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.messaging import providers
from crm.messaging.fields import MessageForm
from crm.messaging.sending import MessageAction, Unsent
from crm.models import SubscriptionType
from workflows.registries import actions
from workflows.step_forms.forms import TextField, TokenField

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

#: Signs of one message.
LONGEST = 1_600
#: A number, the id of a messaging service, a short code, or a name of letters and digits.
SENDER = re.compile(r"\+[1-9]\d{4,14}|MG[0-9a-fA-F]{32}|\d{3,8}|[A-Za-z0-9 ]{1,11}")


@actions.register
class SendSms(MessageAction):
    slug = "send_sms"
    label = gettext_lazy("Send SMS")
    description = gettext_lazy(
        "Send a text message to contacts who have opted in, through Twilio or a provider like it."
    )
    event = "sms_sent"
    channel = SubscriptionType.Channel.SMS
    blank = gettext_lazy("Write the message")
    sentence = gettext_lazy("SMS “%(text)s”")
    sentence_of = gettext_lazy("SMS “%(text)s” to the associated %(records)s")

    class Params(MessageForm):
        channel = SubscriptionType.Channel.SMS

        message = TokenField(label=gettext_lazy("Message"), lines=4, max_length=LONGEST)
        sender = TextField(
            label=gettext_lazy("Sender"), max_length=40,
            help_text=gettext_lazy("A number of yours like +15551234567, a messaging service (MG…), or a name."),
        )  # fmt: skip
        account = TextField(
            label=gettext_lazy("Account"), required=False, max_length=64,
            help_text=gettext_lazy("Left out: the connection’s user name, as with Twilio’s account SID (AC…)."),
        )  # fmt: skip
        field_order = (
            "of", "label", "which", "connection", "sender", "message", "type", "number", "country", "account", "path",
        )  # fmt: skip

        def clean_sender(self) -> str:
            sender = str(self.cleaned_data["sender"] or "").strip()
            if sender and not SENDER.fullmatch(sender):
                message = _("“%(sender)s” cannot send messages. Write a number like +15551234567.")
                raise ValidationError(message % {"sender": sender})
            return sender

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean()
            account = cleaned["account_of"]
            if account is not None and not (cleaned.get("account") or account.auth_name):
                message = _("“%(name)s” signs in without a user name. Write the account.")
                self.add_error("account", message % {"name": account.name})
            return cleaned

    def messages(self, batch: Batch, params: dict[str, Any]) -> dict[int, Any]:
        return {pk: checked(text) for pk, text in batch.render(params["message"]).items()}

    def request(self, params: dict[str, Any], number: str, message: Any) -> providers.Request:
        one = params["account_of"]
        account = providers.Account(
            one.slug, one.origin, params["path"] or providers.TWILIO_PATH, params["sender"],
            params["account"] or one.auth_name,
        )  # fmt: skip
        return providers.twilio(account, number, message)

    def text(self, params: dict[str, Any], message: Any) -> str:
        return str(message)


def checked(text: str) -> str | Unsent:
    """A message as it is sent, or why it cannot be."""
    text = text.strip()
    if not text:
        return Unsent(_("The message came out blank."))
    if len(text) > LONGEST:
        facts = {"length": len(text), "limit": LONGEST}
        return Unsent(_("The message has %(length)d characters, %(limit)d at most are sent. Shorten it.") % facts)
    return text
