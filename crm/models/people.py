"""Contacts and companies."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class LifecycleStage(models.TextChoices):
    SUBSCRIBER = "subscriber", _("Subscriber")
    LEAD = "lead", _("Lead")
    MARKETING_QUALIFIED = "marketing_qualified", _("Marketing qualified lead")
    SALES_QUALIFIED = "sales_qualified", _("Sales qualified lead")
    OPPORTUNITY = "opportunity", _("Opportunity")
    CUSTOMER = "customer", _("Customer")
    EVANGELIST = "evangelist", _("Evangelist")
    OTHER = "other", _("Other")


class LeadStatus(models.TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Open")
    IN_PROGRESS = "in_progress", _("In progress")
    CONNECTED = "connected", _("Connected")
    UNQUALIFIED = "unqualified", _("Unqualified")


class CookieConsent(models.TextChoices):
    """What somebody has answered to a website's cookie banner (FLT-22)."""

    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    REVOKED = "revoked", _("Revoked")


class MarketingStatus(models.TextChoices):
    """Whether marketing may be sent to a contact (MKT-06)."""

    MARKETING = "marketing", _("Marketing contact")
    NON_MARKETING = "non_marketing", _("Non-marketing contact")


class Contact(Record):
    """A person."""

    email = models.EmailField(_("email"), max_length=254, null=True, blank=True)
    first_name = models.CharField(_("first name"), max_length=120, blank=True, db_default="")
    last_name = models.CharField(_("last name"), max_length=120, blank=True, db_default="")
    phone = models.CharField(_("phone"), max_length=40, blank=True, db_default="")
    mobile = models.CharField(_("mobile"), max_length=40, blank=True, db_default="")
    job_title = models.CharField(_("job title"), max_length=120, blank=True, db_default="")
    city = models.CharField(_("city"), max_length=120, blank=True, db_default="")
    country = models.CharField(_("country"), max_length=120, blank=True, db_default="")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, db_default="")
    lifecycle_stage = models.CharField(
        _("lifecycle stage"), max_length=30, choices=LifecycleStage, blank=True, db_default=""
    )
    lead_status = models.CharField(_("lead status"), max_length=30, choices=LeadStatus, blank=True, db_default="")
    lead_score = models.IntegerField(_("lead score"), null=True, blank=True)
    google_click_id = models.CharField(_("Google Ads click id"), max_length=250, blank=True, db_default="")
    facebook_click_id = models.CharField(_("Facebook click id"), max_length=250, blank=True, db_default="")
    linkedin_click_id = models.CharField(_("LinkedIn click id"), max_length=250, blank=True, db_default="")
    microsoft_click_id = models.CharField(_("Microsoft Ads click id"), max_length=250, blank=True, db_default="")
    first_source = models.CharField(_("first source"), max_length=120, blank=True, db_default="")
    first_medium = models.CharField(_("first medium"), max_length=120, blank=True, db_default="")
    first_campaign = models.CharField(_("first campaign"), max_length=120, blank=True, db_default="")
    last_source = models.CharField(_("last source"), max_length=120, blank=True, db_default="")
    last_medium = models.CharField(_("last medium"), max_length=120, blank=True, db_default="")
    last_campaign = models.CharField(_("last campaign"), max_length=120, blank=True, db_default="")
    cookie_consent = models.CharField(
        _("cookie consent"), max_length=10, choices=CookieConsent, blank=True, db_default="", editable=False
    )
    marketing_status = models.CharField(
        _("marketing contact status"), max_length=15, choices=MarketingStatus, editable=False,
        db_default=MarketingStatus.NON_MARKETING,
    )  # fmt: skip

    class Meta(Record.Meta):
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("email",), condition=models.Q(deleted_at=None), name="one_contact_per_email"
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"#{self.pk}"


class Company(Record):
    """An organisation."""

    name = models.CharField(_("name"), max_length=250)
    domain = models.CharField(_("domain"), max_length=250, blank=True, db_default="")
    industry = models.CharField(_("industry"), max_length=120, blank=True, db_default="")
    city = models.CharField(_("city"), max_length=120, blank=True, db_default="")
    country = models.CharField(_("country"), max_length=120, blank=True, db_default="")
    employees = models.IntegerField(_("employees"), null=True, blank=True)
    annual_revenue = models.DecimalField(_("annual revenue"), max_digits=18, decimal_places=2, null=True, blank=True)
    lifecycle_stage = models.CharField(
        _("lifecycle stage"), max_length=30, choices=LifecycleStage, blank=True, db_default=""
    )

    class Meta(Record.Meta):
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ("-id",)
        indexes = (*Record.Meta.indexes, models.Index(fields=("name",), name="company_name"))

    def __str__(self) -> str:
        return self.name
