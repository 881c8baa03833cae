"""Ready-made goals: what a new user most likely wants, as definitions to publish or change.

A module for each of the functions people work at (workflows.definitions.goals.FUNCTIONS). Every document is valid for
the object types and actions of this CRM; a test publishes each of them. What nobody can know beforehand, as who is
told, is left open: such a step is a placeholder until it is set up (PLH-05).
"""

from __future__ import annotations

from crm.goals.marketing import MARKETING
from crm.goals.operations import OPERATIONS
from crm.goals.sales import SALES
from crm.goals.service import SERVICE
from workflows.registries import goals

GOALS = (*SALES, *SERVICE, *MARKETING, *OPERATIONS)


def register_goals() -> None:
    """Called once, when the apps are ready."""
    for goal in GOALS:
        goals.register(goal)
