"""Enroll in prospecting agent: contacts get emails a language model writes for each, until they answer (COM-06)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Sequence
from crm.sequences.agents import default_agent
from crm.sequences.entering import EnteringAction, SendingForm
from crm.sequences.words import NO_AGENT
from records.problems import Problem
from workflows.ai import providers
from workflows.registries import actions
from workflows.step_forms.forms import OWNER
from workflows.step_forms.params import StepContext


@actions.register
class EnrollInProspectingAgent(EnteringAction):
    slug = "enroll_in_prospecting_agent"
    label = gettext_lazy("Enroll in prospecting agent")
    description = gettext_lazy("Send contacts emails that a language model writes for each, until they answer.")
    icon = "sparkles"
    permission = "workflows.use_aiprovider"
    missing = NO_AGENT

    class Params(SendingForm):
        """The agent is the one sequence that is marked as it: there is nothing to choose."""

    def sequence_for(self, params: dict[str, Any]) -> Sequence | None:
        return default_agent()

    def unavailable(self) -> str:
        if default_agent() is None:
            return _("No sequence is the prospecting agent")
        return providers.missing()

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        if default_agent() is None:
            message = _(
                "No sequence is the prospecting agent. Build one with emails written by AI, and tick it there."
            )
            found.append(Problem("", message, code=NO_AGENT))
        elif why := providers.missing():
            found.append(Problem("", why, code="no_ai_provider"))
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        if document.get("sender") == OWNER:
            return _("Enroll in the prospecting agent, for the contact’s owner")
        user = document.get("user")
        if not isinstance(user, str) or not user:
            return _("Enroll in the prospecting agent: choose who sends")
        return _("Enroll in the prospecting agent, for %(user)s") % {"user": user}
