"""Send internal email: a mail to people who work here, one delivery for each (COM-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.actions.base import Action
from workflows.health import teams
from workflows.models import Delivery
from workflows.registries import actions
from workflows.step_forms.forms import OWNER, TokenField, UsersField
from workflows.step_forms.groups import GroupsField, people_of
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import PeopleField, recipients_of
from workflows.texts import rich_text, tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

#: Params that say who gets it.
WHO = ("to", "teams", "properties")


@actions.register
class SendInternalEmail(Action):
    slug = "send_internal_email"
    label = gettext_lazy("Send internal email")
    description = gettext_lazy("Send an email to people who work here.")
    group = gettext_lazy("Communication")
    icon = "mail"

    class Params(ParamsForm):
        to = UsersField(label=gettext_lazy("To"), required=False)
        teams = GroupsField(help_text=gettext_lazy("Their main members get it."))
        properties = PeopleField(
            label=gettext_lazy("And the people in"),
            help_text=gettext_lazy("Properties of the record that hold a user."),
        )
        subject = TokenField(label=gettext_lazy("Subject"), max_length=250)
        body = TokenField(
            label=gettext_lazy("Text"), lines=8,
            help_text=gettext_lazy(
                "Tokens like {{ deal.name }} stand for values. It may have tags: <b>, <i>, <u>, <p>, <br>, <h1> to "
                "<h3>, lists, <a href> and <img src>."
            ),
        )  # fmt: skip

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            for name in ("teams", "properties"):
                field = self.fields[name]
                assert isinstance(field, forms.MultipleChoiceField)
                if not field.choices and not (self.source or {}).get(name):
                    del self.fields[name]

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and not any(cleaned.get(name) for name in WHO):
                self.add_error("to", _("Choose who gets it: users, the record’s owner, teams, or a property."))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        names, subject = names_of(document, context), document.get("subject")
        if not names:
            return _("Choose who gets the email")
        if not subject:
            return _("Email %(people)s: write a subject") % {"people": names}
        return _("Email %(people)s: “%(subject)s”") % {"people": names, "subject": subject}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        texts = [tokens.reads(document.get(name), context.object_type) for name in ("subject", "body")]
        named = {f"{context.object_type.slug}.{slug}" for slug in listed(document, "properties")}
        return (reads_owner(document.get("to"), context) | named).union(*texts)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the mails into the outbox, as they are to be sent; workflows.outbox.delivering sends them."""
        subjects, bodies = batch.render(params["subject"], "line"), bodies_of(batch, params["body"])
        recipients = recipients_of(
            batch, params["to"], people_of(params.get("teams") or []), params.get("properties") or ()
        )
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
                    **bodies[enrollment.record_id],
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


def bodies_of(batch: Batch, body: str) -> dict[int, dict[str, str]]:
    """What the mails say by record id: "text", and "html" beside it where the text has tags."""
    if not rich_text.is_rich(body):
        return {pk: {"text": text} for pk, text in batch.render(body).items()}
    pages = {pk: rich_text.cleaned(text) for pk, text in batch.render(body, "html").items()}
    return {pk: {"text": rich_text.plain(page), "html": page} for pk, page in pages.items()}


def listed(document: dict[str, Any], name: str) -> list[str]:
    found = document.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def names_of(document: dict[str, Any], context: StepContext) -> str:
    """Who gets the mail, as a card names them; "" for nobody yet."""
    names = [people(to)] if (to := listed(document, "to")) else []
    groups = dict(teams.choices()) if listed(document, "teams") else {}
    names += [str(groups.get(slug, slug)) for slug in listed(document, "teams")]
    slugs = listed(document, "properties")
    names += [str(context.properties[slug].label) if slug in context.properties else slug for slug in slugs]
    return ", ".join(names)


def reads_owner(usernames: Any, context: StepContext) -> set[str]:
    """The record's owner, where it is among the recipients a document names."""
    named = isinstance(usernames, list) and OWNER in usernames
    return {f"{context.object_type.slug}.{OWNER}"} if named else set()


def people(usernames: list[str]) -> str:
    """Recipients as a card names them."""
    return ", ".join(_("the owner") if name == OWNER else str(name) for name in usernames)
