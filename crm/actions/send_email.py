"""Send email: a marketing email to the enrolled contact, or to associated ones (COM-03, COM-04, COM-05, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from crm.emails import checking, recipients, rendering, sending
from crm.emails.fields import EmailTemplateField, email_named, name_of
from crm.models import Contact, EmailTemplate
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.models import Delivery
from workflows.registries import actions
from workflows.step_forms.forms import FlagField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, subject_of, targets_of
from workflows.texts.faults import TokenError, TooLong

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

#: Whom it did not go to, in words.
LEFT_OUT = {
    "email_bounced": ngettext_lazy("%(count)d address does not work", "%(count)d addresses do not work", "count"),
    "email_no_address": ngettext_lazy("%(count)d has no address", "%(count)d have no address", "count"),
    "email_not_marketing": ngettext_lazy(
        "%(count)d is not a marketing contact", "%(count)d are not marketing contacts", "count"
    ),
    "email_not_subscribed": ngettext_lazy("%(count)d has not subscribed", "%(count)d have not subscribed", "count"),
    "email_opted_out": ngettext_lazy("%(count)d has unsubscribed", "%(count)d have unsubscribed", "count"),
}


@actions.register
class SendEmail(Action):
    slug = "send_email"
    label = gettext_lazy("Send email")
    description = gettext_lazy("Send a marketing email to contacts.")
    group = gettext_lazy("Communication")
    icon = "send"

    class Params(TargetForm):
        to = "contact"

        email = EmailTemplateField(
            label=gettext_lazy("Email"), choices=[], help_text=gettext_lazy("Written under Email templates.")
        )
        subscribed = FlagField(
            label=gettext_lazy("Only subscribers"),
            help_text=gettext_lazy(
                "Only contacts who have subscribed. Who has unsubscribed never gets it, nor do non-marketing contacts."
            ),
        )

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        template = email_named(document)
        if template is not None:
            found += checking.unfilled(template)
            asked = document.get("subscribed") is True
            found += checking.warnings(template, context.definition, subscribed=asked)
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = name_of(document, context)
        if not name:
            return _("Choose an email")
        if document.get("of"):
            facts = {"name": name, "records": str(subject_of(document, context).label_plural)}
            return _("“%(name)s” to the associated %(records)s") % facts
        return _("“%(name)s” to the contact") % {"name": name}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        template = email_named(document)
        return checking.reads(template) if template else set()

    def needs(self, document: dict[str, Any], context: StepContext) -> dict[str, str]:
        own = context.object_type.slug == "contact" and not document.get("of")
        return {"email": "email"} if own else {}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {
            "sent": Property("sent", gettext_lazy("Number of contacts it goes to"), "number"),
            "left_out": Property("left_out", gettext_lazy("Number of contacts left out"), "number"),
        }

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the emails into the outbox, as they are to be sent: whom they must not reach is left out."""
        template: EmailTemplate = params["email"]
        targets = targets_of(batch, params)
        found = Contact.objects.filter(pk__in=targets.ids, deleted_at=None).in_bulk()
        rules = recipients.rules_for(template.type, batch.object_type.slug, subscribed=bool(params["subscribed"]))
        refused = recipients.refusals(found.values(), template.type_id, rules)
        try:
            asked = {
                one.record_id: [found[pk] for pk in targets.of(one) if pk in found and pk not in refused]
                for one in batch.enrollments
            }
            messages = rendering.render_each(template, batch.object_type, asked, batch.now)
        except TokenError as error:
            TooLong.alone(error, len(batch.enrollments))
            batch.fail(None, "not_rendered", error=str(error))
            return
        deliveries: list[Delivery] = []
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            sent = [one.pk for one in asked[enrollment.record_id]]
            left = recipients.counted(refused, contacts)
            self.answer(batch, enrollment, template, sent, left, several=bool(params["of"]))
            for pk in sent:
                key = f"{batch.key(enrollment)}:{pk}"
                message = messages[enrollment.record_id, pk]
                request = sending.to_contact(template, message, found[pk], rules, key)
                deliveries.append(delivery(batch, enrollment, key, request))
        Delivery.objects.bulk_create(deliveries)

    def answer(
        self, batch: Batch, enrollment: Standing, template: EmailTemplate, sent: list[int], left: dict[str, int], *,
        several: bool,
    ) -> None:  # fmt: skip
        facts: dict[str, Any] = {"email": template.name, "type": template.type.name}
        if left and several:
            facts["left"] = left
        if sent:
            batch.done(enrollment, contacts=len(sent), of=several, **facts)
        elif left:
            batch.skip(enrollment, "email_left_out" if several else next(iter(left)), **facts)
        else:
            batch.skip(enrollment, "record_deleted")
        batch.output(enrollment, sent=len(sent), left_out=sum(left.values()))

    def tell(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return with_left_out(super().tell(detail, outcome, context), detail.get("left"))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, name = detail.get("contacts"), str(detail.get("email", ""))
        if not detail.get("of") or not isinstance(count, int):
            return format_html(_("Email “{name}” to the contact"), name=name)
        sentence = ngettext(
            "Email “{name}” to {count} associated contact", "Email “{name}” to {count} associated contacts", count
        )
        return format_html(sentence, name=name, count=count)


def delivery(batch: Batch, enrollment: Standing, key: str, request: dict[str, Any]) -> Delivery:
    return Delivery(
        key=key, kind=sending.KIND, enrollment_id=enrollment.id, request=request, due_at=batch.now,
        created_at=batch.now,
    )  # fmt: skip


def with_left_out(sentence: str, left: Any) -> str:
    """A step's sentence (safe HTML), and how many contacts it left out, for which reasons."""
    known = [(LEFT_OUT[code], n) for code, n in left.items() if code in LEFT_OUT] if isinstance(left, dict) else []
    if not known:
        return sentence
    said = format_html_join("; ", "{}", ((words % {"count": count},) for words, count in known))
    return format_html("{} – {}", sentence, said)
