"""Tokens of the HTTP API, and the replies kept for requests that come twice."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a token may be used for; its owner's permissions limit it further."""

    RECORDS_READ = "records:read", _("read records")
    RECORDS_WRITE = "records:write", _("create, change and delete records")
    WORKFLOWS_READ = "workflows:read", _("read workflows")
    WORKFLOWS_WRITE = "workflows:write", _("change drafts of workflows")
    WORKFLOWS_PUBLISH = "workflows:publish", _("publish workflows, turn them on and off, and enroll records")
    HISTORY_READ = "history:read", _("read enrollments and their steps")
    #: Besides the others, where a workflow reads or changes a sensitive property (PRM-10).
    SENSITIVE = "workflows:sensitive", _("open workflows that use sensitive properties")


class ApiToken(models.Model):
    """A key to the API in a user's name.

    Only the SHA-256 of the whole token is kept; `public` (its first part) finds the row. See records.api.tokens.
    """

    #: The whole token, known to the object that was just made; no column.
    secret: str = ""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=120, blank=True, help_text=_("What uses this token."))
    public = models.CharField(_("token starts with"), max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope), verbose_name=_("scopes"))
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"hrk_{self.public}…"


class IdempotentReply(models.Model):
    """The reply to a POST that carried an Idempotency-Key, kept for 24 hours."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="replies")
    key = models.CharField(max_length=255)
    #: SHA-256 of method, path and body: the same key with another request is a conflict.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name = _("kept reply")
        verbose_name_plural = _("kept replies")
        constraints = (models.UniqueConstraint(fields=("token", "key"), name="one_reply_per_key"),)

    def __str__(self) -> str:
        return self.key
