"""Goals: what the first start offers to automate. Each is a ready definition that becomes a draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True)
class Goal:
    """One card of the first start: registered with `workflows.registries.goals.register(Goal(...))`.

    `label` says what one wants to reach, `description` what the workflow will do, in a sentence each; `definition`
    is the document the draft starts from.
    """

    slug: str
    label: str | Promise
    description: str | Promise
    definition: dict[str, Any]
    icon: str = "target"
