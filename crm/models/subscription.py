"""Which communication a contact wants, by subscription type, and how that came to be."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.people import Contact


class SubscriptionType(models.Model):
    """One kind of communication people subscribe to or not; criteria and workflows hold its slug."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("Email")
        SMS = "sms", _("SMS")
        WHATSAPP = "whatsapp", _("WhatsApp")

    class Purpose(models.TextChoices):
        MARKETING = "marketing", _("Marketing")
        SALES = "sales", _("Sales")
        SERVICE = "service", _("Customer service")
        OPERATION = "operation", _("Running the customer’s account")

    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: workflows and programs use it.")
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    description = models.TextField(_("description"), blank=True, help_text=_("What people get when they subscribe."))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.EMAIL)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose, default=Purpose.MARKETING)
    needs_legal_basis = models.BooleanField(
        _("needs a legal basis"), default=True, help_text=_("Nobody can be subscribed without saying on which one.")
    )
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Nobody can be subscribed to what is not active any more.")
    )

    class Meta:
        verbose_name = _("subscription type")
        verbose_name_plural = _("subscription types")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Consent(models.Model):
    """What a contact wants of one subscription type, and where that is known from."""

    class Status(models.TextChoices):
        SUBSCRIBED = "subscribed", _("Subscribed")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        NOT_SPECIFIED = "not_specified", _("Not specified")

    class LegalBasis(models.TextChoices):
        CONSENT = "consent", _("Freely given consent")
        CONTRACT = "contract", _("Performance of a contract")
        INTEREST_PROSPECT = "legitimate_interest_prospect", _("Legitimate interest: prospect or lead")
        INTEREST_CUSTOMER = "legitimate_interest_customer", _("Legitimate interest: existing customer")
        INTEREST_OTHER = "legitimate_interest_other", _("Legitimate interest: other")
        NOT_APPLICABLE = "not_applicable", _("Not applicable")

    class Source(models.TextChoices):
        ADMIN = "admin", _("Entered by a person")
        API = "api", _("Through the API")
        WORKFLOW = "workflow", _("By a workflow")
        MERGE = "merge", _("By a merge with another contact")
        FORM = "form", _("By a form")
        CONTACT = "contact", _("By the contact")

    status = models.CharField(_("status"), max_length=15, choices=Status)
    legal_basis = models.CharField(_("legal basis"), max_length=40, choices=LegalBasis, blank=True, db_default="")
    explanation = models.TextField(_("explanation"), blank=True, db_default="")
    source = models.CharField(_("source"), max_length=10, choices=Source)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    #: The workflow whose step it was; workflows may be gone by the time somebody asks.
    workflow_id = models.BigIntegerField(null=True)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        abstract = True


class Subscription(Consent):
    """What holds now; a contact without a row has not specified anything."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="subscriptions", verbose_name=_("contact"))
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="subscriptions",
        verbose_name=_("subscription type"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = (models.UniqueConstraint(fields=("contact", "type"), name="one_subscription_per_type"),)


class SubscriptionChange(Consent):
    """What held from an instant on; rows are only ever added (the proof of a consent)."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="subscription_changes", db_index=False)
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("change of a subscription")
        verbose_name_plural = _("changes of subscriptions")
        indexes = (models.Index(fields=("contact", "type", "-id"), name="subscription_history"),)
