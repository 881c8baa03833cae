"""Surveys, who was asked by them, and what they answered."""

from __future__ import annotations

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.feedback import FeedbackSubmission
from crm.models.form import Form
from crm.models.people import Contact
from crm.models.subscription import SubscriptionType

Kind = FeedbackSubmission.Kind
#: The lowest and the highest score that surveys of a kind ask for first.
SCORES: dict[str, tuple[int, int]] = {Kind.RECOMMENDATION: (0, 10), Kind.SATISFACTION: (1, 5), Kind.EFFORT: (1, 7)}


def make_token() -> str:
    """What nobody guesses: 32 characters, 192 random bits."""
    return secrets.token_urlsafe(24)


class Survey(models.Model):
    """A survey; steps of workflows hold its slug. All but “own questions” ask for a score first."""

    class Delivery(models.TextChoices):
        WORKFLOW = "workflow", _("Workflows send it, each contact has a link of its own")
        LINK = "link", _("One link to share, whoever has it answers without a name")

    name = models.CharField(
        _("name"), max_length=120, unique=True, help_text=_("Feedback submissions and events are known by it.")
    )
    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: workflows use it.")
    )
    kind = models.CharField(_("type of survey"), max_length=20, choices=Kind, default=Kind.RECOMMENDATION)
    delivery = models.CharField(_("delivery"), max_length=10, choices=Delivery, default=Delivery.WORKFLOW)
    #: The shared link, and the preview.
    token = models.CharField(max_length=43, unique=True, default=make_token, editable=False)
    active = models.BooleanField(
        _("open"), default=True, help_text=_("A survey that is not open is not sent and takes no answers.")
    )
    closes_at = models.DateTimeField(
        _("closes"), null=True, blank=True, help_text=_("From then on it takes no answers. Never if left empty.")
    )
    title = models.CharField(_("heading"), max_length=200, blank=True)
    introduction = models.TextField(_("introduction"), blank=True, max_length=5_000)
    question = models.CharField(
        _("question about the score"), max_length=300, blank=True, help_text=_("The usual one if left empty.")
    )
    button = models.CharField(_("text of the button"), max_length=60, blank=True, help_text=_("“Send” if left empty."))
    thanks = models.TextField(_("thank-you text"), blank=True, max_length=5_000)
    closed_text = models.TextField(_("text when closed"), blank=True, max_length=2_000)
    appearance = models.CharField(
        _("appearance"), max_length=10, choices=Form.Appearance, default=Form.Appearance.AUTO
    )
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="+", null=True, blank=True,
        verbose_name=_("subscription type"),
        help_text=_("What the email is about: who has unsubscribed from it is not asked."),
    )  # fmt: skip
    subject = models.CharField(_("subject of the email"), max_length=250, blank=True)
    message = models.TextField(
        _("text of the email"), blank=True, max_length=20_000,
        help_text=_("The link to the survey follows it. Tokens like {{ contact.first_name }} may stand in it."),
    )  # fmt: skip
    repeat_days = models.PositiveSmallIntegerField(
        _("ask the same contact again after"), default=0, validators=[MaxValueValidator(3_650)],
        help_text=_("In days. With 0 a contact is asked as often as workflows send the survey."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SurveyQuestion(models.Model):
    """A question of a survey, besides the one about its score."""

    class Kind(models.TextChoices):
        SCALE = "scale", _("Scale")
        CHOICE = "choice", _("Choice: one of the options")
        CHOICES = "choices", _("Choice: several of the options")
        TEXT = "text", _("Text")

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("answered by"), max_length=10, choices=Kind, default=Kind.TEXT)
    text = models.CharField(_("question"), max_length=300)
    help = models.CharField(_("help"), max_length=300, blank=True)
    required = models.BooleanField(_("required"), default=False)
    options = models.JSONField(_("options"), default=list, blank=True)
    lowest = models.SmallIntegerField(_("lowest"), default=1, validators=[MinValueValidator(0), MaxValueValidator(1)])
    highest = models.SmallIntegerField(
        _("highest"), default=5, validators=[MinValueValidator(2), MaxValueValidator(10)]
    )

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.text


class SurveyInvitation(models.Model):
    """A contact asked once: its own link, and when it was used."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="invitations", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="survey_invitations", db_index=False)
    token = models.CharField(max_length=43, unique=True, default=make_token)
    # Of a workflow, and a ticket, that may be removed meanwhile.
    workflow_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    sent_at = models.DateTimeField(_("sent"))
    answered_at = models.DateTimeField(_("answered"), null=True)

    class Meta:
        verbose_name = _("survey invitation")
        verbose_name_plural = _("survey invitations")
        default_permissions = ()
        indexes = (
            models.Index(fields=("survey", "answered_at"), name="invitations_of_survey"),
            models.Index(fields=("contact", "survey", "-sent_at"), name="invitations_of_contact"),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class SurveyTurn(models.Model):
    """When a contact was asked last by a survey that waits between two times: of two who ask at once one is first.

    What was sent is told by the invitations; of a contact that has no row here nobody can say anything by that.
    """

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+", db_index=False)
    asked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("contact", "survey"), name="one_turn_of_a_survey"),)

    def __str__(self) -> str:
        return f"#{self.pk}"


class SurveyResponse(models.Model):
    """What somebody answered, question by question; the feedback submission is what workflows know of it."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="responses", db_index=False)
    submission = models.OneToOneField(FeedbackSubmission, models.CASCADE, related_name="response")
    #: None for a survey that is shared by its link.
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="survey_responses", null=True)
    #: By "score" and "q12": the question, the value and how it reads, as they were shown.
    values = models.JSONField(_("answers"))
    submitted_at = models.DateTimeField(_("sent"))
    #: A digest of what the browser, or the page, was given that it came from: it counts once. None by a link of one's
    #: own.
    once = models.CharField(max_length=64, null=True, editable=False)

    class Meta:
        verbose_name = _("survey response")
        verbose_name_plural = _("survey responses")
        default_permissions = ()
        indexes = (models.Index(fields=("survey", "-id"), name="responses_of_survey"),)
        constraints = (
            models.UniqueConstraint(
                fields=("survey", "once"), condition=models.Q(once__isnull=False), name="one_response_of_a_browser"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"
