"""Send survey: contacts are asked by a survey that workflows send, each by a link of its own (COM-11, ACG-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import Contact, Survey
from crm.surveys.answering import is_open
from crm.surveys.fields import SurveyField, survey_named
from crm.surveys.inviting import Asking, Invited, invite, refusals
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, Targets, subject_of, targets_of
from workflows.texts import tokens
from workflows.texts.faults import TokenError, TooLong

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing


@actions.register
class SendSurvey(Action):
    slug = "send_survey"
    label = gettext_lazy("Send survey")
    description = gettext_lazy("Ask contacts by a survey; each has a link of its own.")
    group = gettext_lazy("Communication")
    icon = "star"

    class Params(TargetForm):
        to = "contact"

        survey = SurveyField(label=gettext_lazy("Survey"), choices=[])

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", Survey, "survey")]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        found = survey_named(document)
        if found is None:
            return _("Choose a survey to send")
        if document.get("of"):
            facts = {"survey": found.name, "records": str(subject_of(document, context).label_plural)}
            return _("Send the survey “%(survey)s” to the associated %(records)s") % facts
        return _("Send the survey “%(survey)s”") % {"survey": found.name}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        found, kind = survey_named(document), object_types["contact"]
        texts = [tokens.reads(text, kind) for text in (found.subject, found.message)] if found else []
        return {"contact.email"}.union(*texts)

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"sent": Property("sent", gettext_lazy("Number of contacts asked"), "number")}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes invitations and mails; workflows.outbox sends them. Whom one may not write to is left out."""
        survey: Survey = params["survey"]
        targets = targets_of(batch, params)
        if not is_open(survey, batch.now):
            batch.skip([one for one in batch.enrollments if targets.of(one)], "survey_closed", survey=survey.name)
            return
        people = {one.pk: one for one in targets.object_type.records().filter(pk__in=targets.ids)}
        reasons = refusals(survey, people.values())
        askings = [
            self.asking(batch, enrollment, people[pk])
            for enrollment in batch.enrollments
            for pk in targets.of(enrollment)
            if pk in people and pk not in reasons
        ]
        try:
            invited = invite(survey, askings, workflow_id=batch.workflow.pk, now=batch.now)
        except TokenError as error:
            TooLong.alone(error, len(batch.enrollments))
            batch.fail([one for one in batch.enrollments if targets.of(one)], "not_rendered", error=str(error))
            return
        self.answer(batch, survey, targets, reasons, invited, bool(params["of"]))

    def asking(self, batch: Batch, enrollment: Standing, contact: Contact) -> Asking:
        ticket = enrollment.record_id if batch.object_type is object_types["ticket"] else None
        return Asking(contact, key_of(batch, enrollment, contact.pk), enrollment.id, ticket)

    def answer(
        self, batch: Batch, survey: Survey, targets: Targets, reasons: dict[int, str], invited: Invited, of: bool
    ) -> None:
        """Say for each enrollment how many were asked, or why nobody was."""
        for enrollment in batch.enrollments:
            contacts = targets.of(enrollment)
            if not contacts:
                continue
            keys = {key_of(batch, enrollment, pk) for pk in contacts}
            sent = len(keys & invited.sent)
            batch.output(enrollment, sent=sent)
            if sent:
                left = {"left_out": len(contacts) - sent} if sent < len(contacts) else {}
                batch.done(enrollment, survey=survey.slug, name=survey.name, contacts=sent, of=of, **left)
            elif keys & invited.lately:
                batch.skip(enrollment, "asked_lately", survey=survey.name, days=survey.repeat_days)
            else:
                own = {reasons.get(pk, "email_no_address") for pk in contacts}
                reason = own.pop() if len(own) == 1 else "email_left_out"
                batch.skip(enrollment, reason, type=str(survey.type or "–"))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        survey = str(detail.get("name") or detail.get("survey") or "–")
        count, left = detail.get("contacts"), detail.get("left_out")
        if not detail.get("of") or not isinstance(count, int):
            return format_html(_("Asked the contact by the survey “{survey}”"), survey=survey)
        sentence = ngettext(
            "Asked {count} associated contact by the survey “{survey}”",
            "Asked {count} associated contacts by the survey “{survey}”",
            count,
        )
        told = format_html(sentence, count=count, survey=survey)
        return format_html(_("{told}; {left} may not be asked"), told=told, left=left) if left else told


def key_of(batch: Batch, enrollment: Standing, contact: int) -> str:
    """The identity of the mail to one contact."""
    return f"{batch.key(enrollment)}:{contact}"
