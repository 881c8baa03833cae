"""Providers of language models, and what of them was used."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.models.connection import SLUG_LENGTH, Connection


class AIProvider(models.Model):
    """A language model behind a connection, which holds its address and its key; steps name it by its slug."""

    class Kind(models.TextChoices):
        OPENAI = "openai", _("OpenAI, or a server that speaks like it (chat completions)")
        ANTHROPIC = "anthropic", _("Anthropic (messages)")

    class Structure(models.TextChoices):
        SCHEMA = "schema", _("By a JSON schema")
        OBJECT = "object", _("As JSON, without a schema")
        NONE = "none", _("By words only")

    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(_("internal name"), max_length=SLUG_LENGTH, unique=True, editable=False)
    kind = models.CharField(_("speaks like"), max_length=10, choices=Kind, default=Kind.OPENAI)
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="ai_providers", verbose_name=_("connection")
    )
    #: What stands between the connection's address and “/chat/completions” or “/messages”.
    path = models.CharField(_("path"), max_length=200, default="/v1", blank=True)
    model = models.CharField(_("model"), max_length=200)
    structure = models.CharField(
        _("asks for typed answers"), max_length=10, choices=Structure, default=Structure.SCHEMA
    )
    #: Whether the model can look things up in the web by itself.
    searches = models.BooleanField(_("searches the web"), default=False)
    #: Tokens of one answer.
    longest = models.PositiveIntegerField(_("longest answer, in tokens"), default=2_000)
    #: What steps use that name none.
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("AI provider")
        verbose_name_plural = _("AI providers")
        ordering = ("name", "pk")
        permissions = (("use_aiprovider", _("Can ask AI providers in workflows")),)
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True), name="one_default_ai_provider"
            ),
        )

    def __str__(self) -> str:
        return self.name


class AIUse(models.Model):
    """How often an action has asked in one month (UTC), and the tokens that took as the providers count them."""

    action = models.CharField(max_length=50)
    month = models.DateField()
    executions = models.PositiveIntegerField(default=0, db_default=0)
    input_tokens = models.BigIntegerField(default=0, db_default=0)
    output_tokens = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("use of AI")
        verbose_name_plural = _("use of AI")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("action", "month"), name="ai_use_of_a_month"),)


class AIDraft(models.Model):
    """What somebody wants a workflow to do, in words; its request in the outbox has the key "draft:<id>"."""

    class Part(models.TextChoices):
        TRIGGER = "trigger", _("trigger")
        STEPS = "steps", _("steps")
        WORDS = "words", _("name and description")

    wish = models.TextField(_("what should happen"))
    object_type = models.CharField(max_length=50)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    #: The workflow a part is wanted for, and which part; blank for a workflow of its own.
    into = models.ForeignKey("Workflow", on_delete=models.CASCADE, null=True, related_name="+")
    part = models.CharField(max_length=10, choices=Part, blank=True, default="", db_default="")
    #: The workflow that was made of it, or that it was taken into, when it was opened.
    workflow = models.ForeignKey("Workflow", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("draft by AI")
        verbose_name_plural = _("drafts by AI")
        default_permissions = ()
