"""Templates: what a workflow may be begun from, each a ready definition that becomes a draft (CRE-09)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: What people work at, by slug: how the library is sorted beside by types of records (CRE-10).
FUNCTIONS = {
    "marketing": _("Marketing"), "sales": _("Sales"), "service": _("Service"), "operations": _("Operations"),
}  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """One template: registered with `workflows.registries.goals.register(Goal(...))`.

    `label` says what one wants to reach, `description` what the workflow will do, in a sentence each; `definition`
    is the document the draft starts from. `aim` says in a sentence or two what it is good for, `function` who it is
    for (FUNCTIONS), `prepare` what has to be there that no check of the definition tells of. The first start shows
    those that are `featured`.
    """

    slug: str
    label: str | Promise
    description: str | Promise
    definition: dict[str, Any]
    icon: str = "target"
    function: str = ""
    aim: str | Promise = ""
    prepare: tuple[str | Promise, ...] = ()
    featured: bool = False
