"""Marketing emails as they are written, and the addresses mail comes back from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.subscription import SubscriptionType


class EmailTemplate(models.Model):
    """A marketing email saved for automation (COM-03); workflows hold its slug, events its name.

    `body` is HTML that crm.emails.cleaning has let through, with tokens of the contact it goes to.
    """

    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: workflows and programs use it.")
    )
    name = models.CharField(
        _("name"), max_length=200, unique=True,
        help_text=_("What people here call it. Filters and the history name it; it stays once the email was sent."),
    )  # fmt: skip
    subject = models.CharField(_("subject"), max_length=250)
    preview_text = models.CharField(
        _("preview text"), max_length=250, blank=True, db_default="",
        help_text=_("What mail programs show beside the subject."),
    )  # fmt: skip
    from_name = models.CharField(_("from name"), max_length=120, blank=True, db_default="")
    from_address = models.EmailField(_("from address"), max_length=254, blank=True, db_default="")
    reply_to = models.EmailField(_("answers go to"), max_length=254, blank=True, db_default="")
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="emails",
        verbose_name=_("subscription type"), limit_choices_to={"channel": SubscriptionType.Channel.EMAIL},
        help_text=_("Who has unsubscribed from it does not get the email."),
    )  # fmt: skip
    body = models.TextField(_("text"))
    footer = models.CharField(
        _("sender’s address"), max_length=300, blank=True, db_default="",
        help_text=_("Stands below the text, with the link to unsubscribe. Many countries ask for a postal address."),
    )  # fmt: skip
    track_opens = models.BooleanField(_("tell when it is opened"), default=True)
    track_clicks = models.BooleanField(_("tell when a link is clicked"), default=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("email template")
        verbose_name_plural = _("email templates")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class BouncedAddress(models.Model):
    """An address that does not work: nothing is sent there until somebody takes it off."""

    address = models.EmailField(_("address"), max_length=254, unique=True)
    email = models.CharField(_("email"), max_length=300, blank=True, db_default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, db_default="")
    bounced_at = models.DateTimeField(_("bounced"))

    class Meta:
        verbose_name = _("bounced address")
        verbose_name_plural = _("bounced addresses")
        ordering = ("-bounced_at",)

    def __str__(self) -> str:
        return self.address
