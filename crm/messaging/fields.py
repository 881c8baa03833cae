"""What the forms of steps that send messages have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import SubscriptionType
from crm.subscribing import ADDRESSES
from records.properties import Property
from workflows.actions.format_phone import countries
from workflows.models import Connection
from workflows.step_forms.forms import ChoiceField, PropertyField, TextField
from workflows.step_forms.targets import TargetForm
from workflows.step_forms.webhook_fields import ConnectionField

PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
COUNTRY = gettext_lazy("Left out, only numbers that begin with + can be told.")


class MessageForm(TargetForm):
    """To whom, through which connection, and on which opt-in."""

    to = "contact"
    #: The channel of the subscription types that can be chosen.
    channel = ""

    connection = ConnectionField(label=gettext_lazy("Connection"))
    type = ChoiceField(
        label=gettext_lazy("Subscription type"),
        choices=[],
        help_text=gettext_lazy("Only contacts who are subscribed to it get the message."),
    )
    number = PropertyField(
        label=gettext_lazy("Number"), types=("phone",), subject=True, required=False,
        help_text=gettext_lazy("Left out: the mobile number, or else the phone number."),
    )  # fmt: skip
    country = ChoiceField(
        label=gettext_lazy("Country of numbers without a country code"),
        required=False,
        choices=[("", "—"), *countries()],
        help_text=COUNTRY,
    )
    path = TextField(
        label=gettext_lazy("Path of the interface"), required=False, max_length=200,
        help_text=gettext_lazy("Below the connection’s address. Only providers that are elsewhere need it."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["type"]
        assert isinstance(choices, ChoiceField)
        rows = SubscriptionType.objects.filter(channel=self.channel, active=True).values_list("slug", "name")
        choices.choices = [("", "—"), *rows]

    def clean_path(self) -> str:
        path = str(self.cleaned_data["path"] or "").rstrip("/")
        if not PATH.fullmatch(path):
            message = _("“%(path)s” is no path. Write it like /api/v1.")
            raise ValidationError(message % {"path": path})
        return path

    def clean(self) -> dict[str, Any]:
        """What the step runs with, besides: the subscription type and the connection themselves."""
        cleaned = super().clean() or {}
        cleaned["subscription"] = SubscriptionType.objects.filter(slug=cleaned.get("type") or "").first()
        cleaned["account_of"] = Connection.objects.filter(slug=cleaned.get("connection") or "").first()
        return cleaned


def numbers_of(chosen: Any, properties: Mapping[str, Property], channel: str) -> list[Property]:
    """The properties that may have a contact's number, in the order in which they are asked."""
    slugs = (chosen,) if isinstance(chosen, str) and chosen else ADDRESSES[SubscriptionType.Channel(channel)]
    return [properties[slug] for slug in slugs if slug in properties]
