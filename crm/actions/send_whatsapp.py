"""Send a WhatsApp message by a template the provider has approved, through the WhatsApp Cloud API (COM-12)."""

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

SENDER, TEMPLATE, LANGUAGE = (
    re.compile(r"\d{5,20}"),
    re.compile(r"[a-z0-9_]{1,512}"),
    re.compile(r"[a-z]{2,3}(_[A-Z]{2})?"),
)
#: Parameters of one template, and the signs of one.
MOST, LONGEST = 20, 1_024


@actions.register
class SendWhatsapp(MessageAction):
    slug = "send_whatsapp"
    label = gettext_lazy("Send WhatsApp message")
    description = gettext_lazy(
        "Send a message template to contacts who have opted in, through the WhatsApp Cloud API."
    )
    event = "whatsapp_sent"
    channel = SubscriptionType.Channel.WHATSAPP
    shown, rendered = "template", "parameters"
    blank = gettext_lazy("Choose a message template")
    sentence = gettext_lazy("WhatsApp template “%(text)s”")
    sentence_of = gettext_lazy("WhatsApp template “%(text)s” to the associated %(records)s")

    class Params(MessageForm):
        channel = SubscriptionType.Channel.WHATSAPP

        sender = TextField(
            label=gettext_lazy("Phone number ID"), max_length=20,
            help_text=gettext_lazy("The ID of the number that sends, as WhatsApp’s settings show it; not the number."),
        )  # fmt: skip
        template = TextField(
            label=gettext_lazy("Message template"), max_length=512,
            help_text=gettext_lazy("Its name as it was approved, like order_shipped."),
        )  # fmt: skip
        language = TextField(
            label=gettext_lazy("Language of the template"), max_length=10, help_text=gettext_lazy("Like en_US or sv.")
        )
        parameters = TokenField(
            label=gettext_lazy("Values of the template"), required=False, lines=3,
            help_text=gettext_lazy("One line for each place of its text, in order; with tokens like {{ deal.name }}."),
        )  # fmt: skip
        field_order = (
            "of", "label", "which", "connection", "sender", "template", "language", "parameters", "type", "number",
            "country", "path",
        )  # fmt: skip

        def clean_sender(self) -> str:
            return self.matching("sender", SENDER, _("“%(value)s” is no phone number ID. Copy its digits."))

        def clean_template(self) -> str:
            sentence = _("“%(value)s” is no name of a template. Use small letters, digits and _.")
            return self.matching("template", TEMPLATE, sentence)

        def clean_language(self) -> str:
            sentence = _("“%(value)s” is no language of a template. Write it like en_US or sv.")
            return self.matching("language", LANGUAGE, sentence)

        def matching(self, name: str, pattern: re.Pattern[str], sentence: str) -> str:
            value = str(self.cleaned_data[name] or "").strip()
            if value and not pattern.fullmatch(value):
                raise ValidationError(sentence % {"value": value})
            return value

        def clean_parameters(self) -> str:
            text = str(self.cleaned_data["parameters"] or "")
            if (count := len(text.splitlines())) > MOST:
                message = _("There are %(count)d values, %(limit)d at most are possible. Take some out.")
                raise ValidationError(message % {"count": count, "limit": MOST})
            return text

    def messages(self, batch: Batch, params: dict[str, Any]) -> dict[int, Any]:
        lines = [batch.render(line, "line") for line in (params["parameters"] or "").splitlines()]
        return {pk: checked([line[pk] for line in lines]) for pk in batch.ids}

    def request(self, params: dict[str, Any], number: str, message: Any) -> providers.Request:
        one = params["account_of"]
        account = providers.Account(one.slug, one.origin, params["path"] or providers.WHATSAPP_PATH, params["sender"])
        return providers.whatsapp(account, number, params["template"], params["language"], message)

    def text(self, params: dict[str, Any], message: Any) -> str:
        return ": ".join(filter(None, (params["template"], " · ".join(message))))


def checked(values: list[str]) -> list[str] | Unsent:
    """The values of a template as they are sent, or why they cannot be."""
    # What the provider refuses: line breaks, and many spaces in a row.
    values = [" ".join(value.split()) for value in values]
    for place, value in enumerate(values, 1):
        if not value:
            message = _("Value %(place)d of the template came out blank. Give its token a default.")
            return Unsent(message % {"place": place})
        if len(value) > LONGEST:
            message = _("Value %(place)d of the template has %(length)d characters, %(limit)d at most. Shorten it.")
            return Unsent(message % {"place": place, "length": len(value), "limit": LONGEST})
    return values
