"""Ask AI: a prompt about the record's data, whose typed answers later steps use (AIA-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from workflows.ai.prompted import PromptingAction
from workflows.registries import actions


@actions.register
class AskAI(PromptingAction):
    slug = "ask_ai"
    label = gettext_lazy("Ask AI")
    description = gettext_lazy("Ask a language model about values of the record, and use its typed answers.")
    task = "Do what the instruction says with the values of the record."
