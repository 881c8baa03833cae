"""Set a communication subscription of contacts (CRM-21, ACG-10): of the enrolled one, or of associated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import Subscription, SubscriptionType
from crm.subscribing import Wish, problems_of, reachable, set_status, types
from crm.subscription_journal import property_slug
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField, TokenField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, subject_of, targets_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

Status = Subscription.Status
EXPLANATION_LIMIT = 2_000


class SubscriptionTypeField(ChoiceField):
    """A subscription type by its internal name."""

    #: What the value names (workflows.dependencies).
    names = "subscription_type"


@actions.register
class SetSubscription(Action):
    slug = "set_subscription"
    label = gettext_lazy("Set subscription")
    description = gettext_lazy("Subscribe contacts to a kind of communication, or unsubscribe them.")
    group = gettext_lazy("Communication")
    icon = "mail"

    class Params(TargetForm):
        to = "contact"

        type = SubscriptionTypeField(label=gettext_lazy("Subscription type"), choices=[])
        status = ChoiceField(label=gettext_lazy("Status"), choices=[("", "—"), *Status.choices])
        legal_basis = ChoiceField(
            label=gettext_lazy("Legal basis"),
            required=False,
            choices=[("", "—"), *Subscription.LegalBasis.choices],
            help_text=gettext_lazy("Needed for subscribing, unless the subscription type does without."),
        )
        explanation = TokenField(
            label=gettext_lazy("Explanation"), required=False, lines=3, max_length=EXPLANATION_LIMIT
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            choices = self.fields["type"]
            assert isinstance(choices, ChoiceField)
            choices.choices = [("", "—"), *((option.value, str(option.label)) for option in types())]

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            found = SubscriptionType.objects.filter(slug=cleaned.get("type") or "").first()
            if found is None or not cleaned.get("status"):
                return cleaned
            cleaned["wish"] = Wish(found, cleaned["status"], cleaned.get("legal_basis") or "")
            for problem in problems_of(cleaned["wish"]):
                self.add_error(problem.path, str(problem.message))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        labels = {option.value: str(option.label) for option in types()}
        slug, status = document.get("type"), document.get("status")
        if not isinstance(slug, str) or slug not in labels or status not in Status.values:
            return _("Choose a subscription type and a status")
        facts = {"type": labels[slug], "status": Status(str(status)).label}
        if document.get("of"):
            facts["records"] = str(subject_of(document, context).label_plural)
            return _("%(status)s: “%(type)s” for the associated %(records)s") % facts
        return _("%(status)s: “%(type)s”") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return tokens.reads(document.get("explanation"), context.object_type)

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("type")
        return {f"contact.{property_slug(slug)}"} if isinstance(slug, str) and slug else set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of contacts changed"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Whom a step cannot reach is left out; one statement sets the others."""
        wish: Wish = params["wish"]
        targets = targets_of(batch, params)
        ids = set(targets.ids)
        if wish.status == Status.SUBSCRIBED:
            ids = reachable(ids, wish.type)
        texts = batch.render(params["explanation"] or "")
        explanations = {
            contact: texts[pk][:EXPLANATION_LIMIT] for pk, found in targets.by_record.items() for contact in found
        }
        changed = set_status(
            ids, wish, source=Subscription.Source.WORKFLOW, workflow_id=batch.workflow.pk, now=batch.now,
            explanations=explanations,
        )  # fmt: skip
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            new = [contact for contact in contacts if contact in changed]
            if not new:
                known = ids.intersection(contacts)
                batch.skip(enrollment, "same_subscription" if known else "no_address", type=wish.type.name)
            else:
                facts = {"type": wish.type.name, "status": wish.status, "contacts": len(new)}
                batch.done(enrollment, of=bool(params["of"]), **facts)
            batch.output(enrollment, changed=len(new))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        status, count = detail.get("status"), detail.get("contacts")
        label = Status(status).label if status in Status.values else str(status or "")
        facts = {"type": str(detail.get("type", "")), "status": label}
        if not detail.get("of") or not isinstance(count, int):
            return format_html(_("Set the subscription “{type}” to: {status}"), **facts)
        sentence = ngettext(
            "Set the subscription “{type}” of {count} associated contact to: {status}",
            "Set the subscription “{type}” of {count} associated contacts to: {status}",
            count,
        )
        return format_html(sentence, count=count, **facts)
