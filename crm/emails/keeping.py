"""Keeping emails: what one must be to be saved, trying it out, and putting it away."""

from __future__ import annotations

import datetime as dt
import uuid
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.emails import checking, cleaning, companions, rendering, sending, using
from crm.models import EmailTemplate, SubscriptionType
from records.defining import slug_for
from records.object_types import object_types
from records.problems import DocumentError, Problem
from records.seeing import hidden_property, may_see
from workflows import doorbell
from workflows.models import Delivery
from workflows.texts.tokens import TokenError

SLUG_LENGTH = 50
FIELDS = (
    "name", "slug", "subject", "preview_text", "from_name", "from_address", "reply_to", "type", "body", "footer",
    "track_opens", "track_clicks",
)  # fmt: skip


class EmailTemplateForm(forms.ModelForm):
    """What an email must be to be saved; for the page and for the API. `user` must set `user` first."""

    user: Any = None

    class Meta:
        model = EmailTemplate
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        types = self.fields.get("type")
        if isinstance(types, forms.ModelChoiceField):
            types.queryset = SubscriptionType.objects.filter(channel=SubscriptionType.Channel.EMAIL)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.instance.pk and name != self.instance.name and using.was_sent(self.instance):
            message = _("The email was sent as “%(name)s”, and filters and the history call it so. Keep its name.")
            raise ValidationError(message % {"name": EmailTemplate.objects.get(pk=self.instance.pk).name})
        return name

    def clean_subject(self) -> str:
        return self.one_line("subject")

    def clean_preview_text(self) -> str:
        return self.one_line("preview_text")

    def clean_footer(self) -> str:
        return self.one_line("footer")

    def one_line(self, name: str) -> str:
        text = " ".join(self.cleaned_data[name].split())
        self.check(cleaning.token_problems(text))
        return text

    def clean_from_name(self) -> str:
        return " ".join(self.cleaned_data["from_name"].split())

    def clean_body(self) -> str:
        self.check(cleaning.problems_of(self.cleaned_data["body"]))
        body = cleaning.clean(self.cleaned_data["body"])
        self.check(cleaning.token_problems(checking.tokens_in(body)))
        if not body:
            raise ValidationError(_("Write a text."))
        return body

    def check(self, problems: list[Problem]) -> None:
        if problems:
            raise ValidationError([problem.message for problem in problems])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("slug") and not self.instance.pk:
            cleaned["slug"] = free_slug(cleaned["name"])
        if not self.errors and self.user is not None:
            texts = {name: cleaned.get(name, "") for name in ("subject", "preview_text", "footer", "body")}
            written = EmailTemplate(**texts)
            if what := hidden_in(written, self.user):
                message = _("The text speaks of %(what)s, which you may not see. Take the token out.")
                raise ValidationError(message % {"what": what})
        return cleaned


def hidden_in(template: EmailTemplate, user: Any) -> str:
    """What of that an email speaks of a person may not see: a property, or records of a type; "" for nothing."""
    beside = (object_types[slug] for slug in companions.spoken_of(checking.text_of(template)))
    unseen = next((kind for kind in beside if not may_see(user, kind)), None)
    return str(unseen.label_plural) if unseen else hidden_property(user, checking.reads(template))


def free_slug(name: str) -> str:
    wanted = slug_for(name)[: SLUG_LENGTH - 4].rstrip("_")
    slug, number = wanted, 1
    while EmailTemplate.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def why_kept(template: EmailTemplate) -> str:
    """Why an email cannot be deleted, as a sentence; "" where it can."""
    if found := len(using.users_of(template)):
        sentence = ngettext(
            "%(count)d workflow sends it, so it cannot be deleted; archive it to have it offered no more.",
            "%(count)d workflows send it, so it cannot be deleted; archive it to have it offered no more.",
            found,
        )
        return sentence % {"count": found}
    if using.was_sent(template):
        return _("It was sent, so it cannot be deleted; archive it to have it offered no more.")
    return ""


def archive(template: EmailTemplate, now: dt.datetime) -> None:
    """Offer an email no more. Workflows that send it go on."""
    template.archived_at = now
    template.save(update_fields=["archived_at"])


def unarchive(template: EmailTemplate) -> None:
    template.archived_at = None
    template.save(update_fields=["archived_at"])


def previewed(template: EmailTemplate, contact: Any, *, user: Any, now: dt.datetime) -> rendering.Message:
    """An email as a contact would get it, without anything that counts. Raises DocumentError for what is hidden."""
    if not may_see(user, object_types["contact"]):
        raise DocumentError([Problem("contact", _("You may not see contacts. Ask somebody who may."))])
    if what := hidden_in(template, user):
        message = _("The text speaks of %(what)s, which you may not see. Ask somebody who may.")
        raise DocumentError([Problem("contact", message % {"what": what})])
    try:
        return rendering.render(template, [contact], now, copy=True)[contact.pk]
    except TokenError as error:
        raise DocumentError([Problem("body", str(error))]) from error


def send_test(template: EmailTemplate, contact: Any, *, user: Any, now: dt.datetime) -> str:
    """Send an email as a contact would get it to the person who asks; where to. Raises DocumentError."""
    if not user.email:
        raise DocumentError(
            [Problem("email", _("You have no email address yet. Have one entered on your user page."))]
        )
    message = previewed(template, contact, user=user, now=now)
    key = f"emailtest:{uuid.uuid4()}"
    request = sending.request_of(template, message, user.email, key)
    Delivery.objects.create(key=key, kind=sending.KIND, request=request, due_at=now, created_at=now)
    transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    return str(user.email)
