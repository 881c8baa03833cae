"""Running a script because a person asks for it, with a record of theirs, before it is published (DOP-09)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.properties import Property
from workflows.code import results, secrets
from workflows.code.running import allowed, child_of, limits
from workflows.code.sandbox import Finished, wait_for
from workflows.history.reasons import reason_sentence


@dataclass(frozen=True)
class Tried:
    """What came of a script that was really run: its outputs by name, or why there are none, in a sentence."""

    outputs: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    milliseconds: int = 0
    megabytes: int = 0


def try_code(params: dict[str, Any], event: dict[str, Any], wanted: dict[str, Property]) -> Tried:
    """Run the script of a step with an event now, and wait for its end; nothing is written, but fetch really asks."""
    if not allowed():
        return Tried(problem=_("Custom code is switched off in this installation. Ask an administrator."))
    try:
        found = wait_for(child_of(params, event))
    except secrets.NotToBeHad as error:
        return Tried(problem=str(error))
    rest = ngettext("… and %(count)d more line", "… and %(count)d more lines", found.more) % {"count": found.more}
    console = [*found.console, rest] if found.more else found.console
    outputs, problem = told(found, wanted)
    return Tried(outputs, problem, console, found.requests, found.milliseconds, -(-found.kilobytes // 1024))


def told(found: Finished, wanted: dict[str, Property]) -> tuple[dict[str, Any], str]:
    """The outputs, or why there are none (safe HTML)."""
    if found.fault is not None:
        code, facts = results.facts_of(results.kept(found)["fault"], limits())
        return {}, reason_sentence({"reason": code, **facts})
    try:
        return results.typed(found.outputs or {}, wanted), ""
    except ValueError as error:
        return {}, reason_sentence({"reason": "code_output", "error": str(error)[: results.SHOWN]})
