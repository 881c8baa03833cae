"""What every trigger answers."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise

from records.problems import Problem


class Trigger:
    """One family of triggers: filter, manual, …"""

    slug: str
    label: str | Promise
    description: str | Promise = ""
    icon = "zap"

    def faults(self, document: dict[str, Any]) -> list[Problem]:
        """Structural faults of the trigger's document, with paths inside it."""
        return []

    def problems(self, document: dict[str, Any], object_type: str) -> list[Problem]:
        """What keeps the trigger from being published, with paths inside it."""
        return []

    def reads(self, document: dict[str, Any], object_type: str) -> set[str]:
        """The properties whose changes enroll, as "object_type.property", besides those the criteria look at."""
        return set()

    def describe(self, document: dict[str, Any], object_type: str) -> str:
        """The sentence of the trigger box."""
        return str(self.label)
