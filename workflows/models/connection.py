"""Connections: the accounts of outside systems that steps send to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

SLUG_LENGTH = 63


class Connection(models.Model):
    """An account of an outside system: where it is, how to sign in there, and what requests to it are signed with.

    Definitions name it by its slug. Its secrets are sealed, to be sent to its origin and nowhere else; nobody can read
    them again. While `earlier_sealed` is kept, until `earlier_until`, requests are signed with both secrets.
    """

    class Auth(models.TextChoices):
        NONE = "none", _("Nothing")
        BEARER = "bearer", _("A token in the header Authorization (Bearer)")
        HEADER = "header", _("A key in a header")
        QUERY = "query", _("A key in the address, as a parameter")
        BASIC = "basic", _("A user name and a password (Basic)")
        CODE = "code", _("Nothing: its secret is for custom code")

    class Per(models.TextChoices):
        SECOND = "second", _("a second")
        MINUTE = "minute", _("a minute")
        HOUR = "hour", _("an hour")
        DAY = "day", _("a day")

    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(_("internal name"), max_length=SLUG_LENGTH, unique=True, editable=False)
    #: "https://api.example.com": scheme, host and, where it is not the usual one, port.
    origin = models.CharField(_("address"), max_length=300)
    auth = models.CharField(_("signs in with"), max_length=10, choices=Auth, default=Auth.NONE)
    #: The name of the header or the parameter, or the user name.
    auth_name = models.CharField(_("name of the header or parameter, or user name"), max_length=100, blank=True)
    secret_sealed = models.TextField(blank=True, default="", editable=False)
    #: The last two signs of the secret, by which a person tells it from others.
    secret_ends = models.CharField(max_length=2, blank=True, default="", editable=False)
    secret_set_at = models.DateTimeField(null=True, editable=False)
    secret_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    signing_sealed = models.TextField(blank=True, default="", editable=False)
    signing_set_at = models.DateTimeField(null=True, editable=False)
    earlier_sealed = models.TextField(blank=True, default="", editable=False)
    earlier_until = models.DateTimeField(null=True, editable=False)
    limit_count = models.PositiveIntegerField(_("requests at most"), null=True, blank=True)
    limit_per = models.CharField(_("in"), max_length=6, choices=Per, default=Per.SECOND)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def signs(self) -> bool:
        """Whether requests to it are signed."""
        return bool(self.signing_sealed)
