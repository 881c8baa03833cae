"""Forms people fill in on public pages, what they sent, and how often each was seen."""

from __future__ import annotations

import secrets
from pathlib import PurePath

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.text import get_valid_filename
from django.utils.translation import gettext_lazy as _

from crm.forms.addresses import check_web_address
from crm.models.people import Contact
from crm.models.subscription import Subscription, SubscriptionType


def make_token() -> str:
    return secrets.token_urlsafe(16)


def document_path(form: Form, name: str) -> str:
    """Where a document is kept: nobody can guess it, and nothing of its path comes from whoever uploaded it."""
    return f"form-documents/{secrets.token_hex(16)}/{get_valid_filename(PurePath(name).name[-100:])}"


class Form(models.Model):
    """A form; criteria, triggers and events hold its slug, public addresses its token."""

    class Kind(models.TextChoices):
        FORM = "form", _("Form")
        DOCUMENT = "document", _("Shared document: who wants it fills in the form")

    class Appearance(models.TextChoices):
        AUTO = "auto", _("Light or dark, as the visitor’s device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    name = models.CharField(_("name"), max_length=120, unique=True, help_text=_("Only people here see it."))
    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: filters and programs use it.")
    )
    token = models.CharField(max_length=43, unique=True, default=make_token, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.FORM)
    active = models.BooleanField(
        _("open"), default=True, help_text=_("A form that is not open says so and takes nothing.")
    )
    title = models.CharField(_("heading"), max_length=200, blank=True)
    introduction = models.TextField(_("introduction"), blank=True, max_length=5_000)
    button = models.CharField(_("text of the button"), max_length=60, blank=True, help_text=_("“Send” if left empty."))
    thanks = models.TextField(
        _("thank-you text"), blank=True, max_length=5_000, help_text=_("Shown after the form was sent.")
    )
    redirect_url = models.CharField(
        _("or go to this address"), max_length=1_000, blank=True, validators=[check_web_address],
        help_text=_("A web address shown instead of the thank-you text."),
    )  # fmt: skip
    closed_text = models.TextField(_("text when closed"), blank=True, max_length=2_000)
    document = models.FileField(
        _("document"), upload_to=document_path, storage=default_storage, blank=True, max_length=300
    )
    document_url = models.CharField(
        _("or address of the document"), max_length=1_000, blank=True, validators=[check_web_address]
    )
    appearance = models.CharField(_("appearance"), max_length=10, choices=Appearance, default=Appearance.AUTO)
    #: Origins, one per line.
    embed_origins = models.TextField(
        _("websites that may embed it"), blank=True,
        help_text=_("One per line, like https://www.example.com. A star alone lets every website."),
    )  # fmt: skip
    minimum_seconds = models.PositiveSmallIntegerField(
        _("shortest time to fill it in"), default=0, validators=[MaxValueValidator(60)],
        help_text=_("In seconds, at most 60. Who sends faster is asked to send once more; 0 asks nobody."),
    )  # fmt: skip
    notify = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", verbose_name=_("tell these users"),
        help_text=_("They get a notification about each submission."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("form")
        verbose_name_plural = _("forms")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class FormField(models.Model):
    """A property of the contact, or of its company, a form asks for or sets."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    #: "contact.first_name", "company.name".
    property = models.CharField(_("property"), max_length=120)
    label = models.CharField(_("label"), max_length=200, blank=True)
    help = models.CharField(_("help"), max_length=300, blank=True)
    required = models.BooleanField(_("required"), default=False)
    hidden = models.BooleanField(_("hidden"), default=False)
    value = models.CharField(_("value"), max_length=500, blank=True)
    options = models.JSONField(_("options"), default=list, blank=True)

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=("form", "property"), name="one_form_field_per_property"),)

    def __str__(self) -> str:
        return self.label or self.property


class FormConsent(models.Model):
    """A box by which who fills in a form subscribes to something."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="consents")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="+",
        verbose_name=_("subscription type"),
    )  # fmt: skip
    text = models.CharField(_("text beside the box"), max_length=1_000)
    legal_basis = models.CharField(
        _("legal basis"), max_length=40, choices=Subscription.LegalBasis, default=Subscription.LegalBasis.CONSENT
    )
    required = models.BooleanField(_("required"), default=False)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=("form", "type"), name="one_form_consent_per_type"),)

    def __str__(self) -> str:
        return self.text


class FormSubmission(models.Model):
    """What somebody sent, as they sent it. Append-only; it goes when its contact is removed for good."""

    form = models.ForeignKey(Form, models.PROTECT, related_name="submissions", db_index=False, verbose_name=_("form"))
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="form_submissions", verbose_name=_("contact"))
    #: By "contact.email" …: label and value as they were shown.
    values = models.JSONField(_("answers"))
    #: By subscription type: the text of each box that was ticked.
    consents = models.JSONField(_("consents"), default=dict)
    page = models.CharField(_("page"), max_length=2_000, blank=True)
    submitted_at = models.DateTimeField(_("sent"))

    class Meta:
        verbose_name = _("form submission")
        verbose_name_plural = _("form submissions")
        ordering = ("-id",)
        indexes = (models.Index(fields=("form", "-id"), name="form_submissions_of"),)

    def __str__(self) -> str:
        return f"#{self.pk}"


class FormDay(models.Model):
    """How often a form was seen, sent and refused on one day (UTC)."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    views = models.PositiveIntegerField(default=0, db_default=0)
    submissions = models.PositiveIntegerField(default=0, db_default=0)
    rejections = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("form", "day"), name="one_row_per_form_and_day"),)
