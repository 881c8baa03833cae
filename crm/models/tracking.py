"""Visitors of websites, what was seen of them, and calls to action."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.people import Contact, CookieConsent


class Visitor(models.Model):
    """A browser: a random key in a cookie of the website it visits, and the contact it belongs to once that is known.

    Nothing else is kept of it, in particular no network address.
    """

    key = models.CharField(max_length=32, unique=True)
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="visitors")
    identified_at = models.DateTimeField(null=True)
    consent = models.CharField(max_length=10, choices=CookieConsent, blank=True, db_default="")
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        indexes = (models.Index(fields=("seen_at",), name="unknown_visitor_seen", condition=models.Q(contact=None)),)

    def __str__(self) -> str:
        return self.key


class Hit(models.Model):
    """Something a tracker told of, on its way to the events of a contact.

    Whom it is about says `contact_id`, `address` (an email address) or `visitor`, whoever that turns out to be.
    `kind` is an event type. New hits are looked at in the background; those of visitors nobody knows are kept for a
    while, and claimed when the visitor is identified.
    """

    class State(models.IntegerChoices):
        NEW = 0
        KEPT = 1
        CLAIMED = 2

    id = models.BigAutoField(primary_key=True)
    visitor = models.CharField(max_length=32, blank=True, db_default="")
    contact_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=254, blank=True, db_default="")
    kind = models.CharField(max_length=50)
    facts = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    key = models.CharField(max_length=255, null=True)
    state = models.SmallIntegerField(choices=State, db_default=State.NEW)

    class Meta:
        indexes = (
            models.Index(fields=("id",), name="hit_to_look_at", condition=~models.Q(state=1)),
            models.Index(fields=("visitor",), name="hit_kept_of_visitor", condition=models.Q(state=1)),
            models.Index(fields=("received_at",), name="hit_kept_since", condition=models.Q(state=1)),
        )


class CallToAction(models.Model):
    """A button or link on a website, whose views and clicks are counted (FLT-35)."""

    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: filters and websites use it.")
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    text = models.CharField(_("text"), max_length=200, help_text=_("What the button says."))
    target = models.URLField(_("target address"), max_length=1000, help_text=_("Where a click leads to."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("call to action")
        verbose_name_plural = _("calls to action")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class CallToActionTally(models.Model):
    """How often a call to action was seen and clicked, by anybody.

    A table of its own, because filters are read anew whenever the calls to action change.
    """

    call_to_action = models.OneToOneField(CallToAction, models.CASCADE, primary_key=True, related_name="tally")
    views = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)


class MarketingEmail(models.Model):
    """The name of an email that has been sent to a contact, to be chosen in filters (FLT-26)."""

    name = models.CharField(_("name"), max_length=300, unique=True)
    first_sent_at = models.DateTimeField(_("first sent"))

    class Meta:
        verbose_name = _("marketing email")
        verbose_name_plural = _("marketing emails")
        ordering = ("-first_sent_at", "name")

    def __str__(self) -> str:
        return self.name
