"""Send internal marketing email: a copy of an email about a contact, to addresses of one's choice (COM-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.actions.send_email import delivery
from crm.emails import checking, recipients, rendering, sending
from crm.emails.fields import AddressesField, EmailTemplateField, addresses_in, email_named, name_of
from crm.models import Contact, EmailTemplate
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.models import Delivery
from workflows.prepared import properties_in
from workflows.registries import actions
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, targets_of
from workflows.texts.faults import TokenError, TooLong

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class SendInternalMarketingEmail(Action):
    slug = "send_internal_marketing_email"
    label = gettext_lazy("Send internal marketing email")
    description = gettext_lazy("Send a copy of a marketing email to addresses of your choice.")
    group = gettext_lazy("Communication")
    icon = "mail"

    class Params(TargetForm):
        to = "contact"

        email = EmailTemplateField(label=gettext_lazy("Email"), choices=[])
        addresses = AddressesField(label=gettext_lazy("Addresses"), required=False)
        property = PropertyField(
            label=gettext_lazy("And the address in"), required=False, subject=True, types=("email",),
            help_text=gettext_lazy("A property of the contact that holds an email address."),
        )  # fmt: skip

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and not cleaned.get("addresses") and not cleaned.get("property"):
                raise ValidationError(_("Say where it goes: write addresses, or choose a property that holds one."))
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        template = email_named(document)
        return found + list(checking.unfilled(template)) if template else found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name, to = name_of(document, context), addresses_in(document.get("addresses"))
        slug = document.get("property")
        if isinstance(slug, str) and slug:
            known = properties_of_contacts(context)
            to = [*to, str(known[slug].label) if slug in known else slug]
        if not name or not to:
            return _("Choose an email and where it goes")
        return _("Copy of “%(name)s” to %(people)s") % {"name": name, "people": ", ".join(to[:5])}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        template, slug = email_named(document), document.get("property")
        own = {f"contact.{slug}"} if isinstance(slug, str) and slug else set()
        return own | (checking.reads(template) if template else set())

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"sent": Property("sent", gettext_lazy("Number of addresses it goes to"), "number")}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the copies into the outbox; whose address it is must not have unsubscribed."""
        template: EmailTemplate = params["email"]
        targets = targets_of(batch, params)
        found = Contact.objects.filter(pk__in=targets.ids, deleted_at=None).in_bulk()
        prop = properties_of_contacts(batch.context).get(params["property"] or "")
        fixed = addresses_in(params["addresses"])
        going = {pk: with_own(fixed, prop.read(one) if prop else None) for pk, one in found.items()}
        refused = recipients.opted_out({one for some in going.values() for one in some}, template.type_id)
        try:
            people = {one.record_id: [found[pk] for pk in targets.of(one) if pk in found] for one in batch.enrollments}
            messages = rendering.render_each(template, batch.object_type, people, batch.now, copy=True)
        except TokenError as error:
            TooLong.alone(error, len(batch.enrollments))
            batch.fail(None, "not_rendered", error=str(error))
            return
        deliveries: list[Delivery] = []
        for enrollment in batch.enrollments:
            asked = [(one.pk, address) for one in people[enrollment.record_id] for address in going[one.pk]]
            sent = [(pk, address) for pk, address in asked if address.lower() not in refused]
            if not targets.of(enrollment):
                continue
            if sent:
                batch.done(enrollment, email=template.name, addresses=sorted({address for _pk, address in sent}))
            else:
                reason = refused[asked[0][1].lower()] if asked else "email_nowhere"
                batch.skip(enrollment, reason, type=template.type.name)
            batch.output(enrollment, sent=len(sent))
            for pk, address in sent:
                key = f"{batch.key(enrollment)}:{pk}:{sending.short(address)}"
                request = sending.request_of(template, messages[enrollment.record_id, pk], address, key) | {
                    "copy": template.type_id,
                    "contact": pk,
                }
                deliveries.append(delivery(batch, enrollment, key, request))
        Delivery.objects.bulk_create(deliveries)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        listed = detail.get("addresses")
        to = [str(one) for one in listed] if isinstance(listed, list) else []
        sentence = ngettext("Copy of the email “{name}” to {to}", "Copies of the email “{name}” to {to}", len(to))
        return format_html(sentence, name=str(detail.get("email", "")), to=", ".join(to[:10]))


def properties_of_contacts(context: StepContext) -> Any:
    return properties_in(object_types["contact"], context)


def with_own(fixed: list[str], own: Any) -> list[str]:
    """Fixed addresses and the one of a contact, each once; what is no address is left out."""
    found = list(fixed)
    if isinstance(own, str) and own.lower() not in {one.lower() for one in fixed}:
        try:
            validate_email(own)
        except ValidationError:
            return found
        found.append(own)
    return found
