"""What came of a script, as it is kept until its step goes on, and what it means there."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from records.properties import Property
from workflows.code.sandbox import Fault, Finished, Limits

#: Seconds until a script that threw a server's error is run again; the last one goes on, up to three days (DOP-08).
AGAIN = (60, 300, 1_800, 7_200, 14_400, 28_800)
LONGEST = dt.timedelta(days=3)
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, range(500, 600)
#: Characters of one output (DOP-06, LIM-12).
TEXT = 65_000
SHOWN, VALUE_SHOWN = 500, 60
#: The codes of workflows.history.reasons.
REASONS = {
    "error": "code_error", "syntax": "code_syntax", "missing": "code_missing", "output": "code_output",
    "time": "code_time", "memory": "code_memory", "broke_off": "code_broke_off", "crashed": "crashed",
    "off": "code_off", "secrets": "code_secrets",
}  # fmt: skip


def kept(finished: Finished) -> dict[str, Any]:
    """A result as JSON."""
    return asdict(finished)


def failed(code: str, message: str = "") -> dict[str, Any]:
    """The result of a script that was not run, or never came to an end."""
    return kept(Finished(None, Fault(code, message)))


def again_at(result: dict[str, Any], tries: int, since: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    """When the script is run again, because it threw what may pass; None when it is not."""
    fault = result.get("fault") or {}
    status = fault.get("status", 0)
    if fault.get("code") != "error" or not (status == TOO_MANY_REQUESTS or status in SERVER_ERRORS):
        return None
    due = now + dt.timedelta(seconds=AGAIN[min(tries, len(AGAIN) - 1)])
    return due if due <= since + LONGEST else None


def facts_of(fault: dict[str, Any], limits: Limits) -> tuple[str, dict[str, Any]]:
    """The reason of a fault, and what its sentence says."""
    code = REASONS.get(str(fault.get("code")), "code_broke_off")
    line = fault.get("line")
    facts: dict[str, Any] = {"error": str(fault.get("message") or "")[:SHOWN]}
    if code != "code_secrets":
        # The sentence goes on after it.
        facts["error"] = facts["error"].rstrip(".")
    if code == "code_time":
        facts["seconds"] = f"{limits.seconds:g}"
    elif code == "code_memory":
        facts["megabytes"] = limits.megabytes
    elif line and code in ("code_error", "code_syntax"):
        facts["line"], code = line, f"{code}_in_line"
    return code, facts


def typed(values: dict[str, Any], wanted: dict[str, Property]) -> dict[str, Any]:
    """The outputs as later steps keep them. Raises ValueError with a sentence for one of another type."""
    return {name: as_kept(values.get(name), prop) for name, prop in wanted.items()}


def as_kept(raw: Any, prop: Property) -> Any:
    """One output as JSON keeps its property's values; dates come as milliseconds since 1970 (DOP-06)."""
    if raw is None or raw == "":
        return None
    try:
        return prop.as_json(prop.clean(from_script(raw, prop.type)))
    except (ValueError, OverflowError, ArithmeticError) as error:
        shown = str(raw)[:VALUE_SHOWN]
        message = _("the output “%(name)s” is “%(value)s”, which does not fit its type (%(type)s): %(why)s")
        facts = {"name": prop.slug, "value": shown, "type": prop.kind.label, "why": error}
        raise ValueError(message % facts) from error


def from_script(raw: Any, kind: str) -> Any:
    """What a script gives as what the type reads."""
    if kind in ("date", "datetime") and isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            return dt.datetime.fromtimestamp(raw / 1000, dt.UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise ValueError(_("there is no such instant. Give milliseconds since 1970")) from error
    if kind in ("text", "phone", "select") and isinstance(raw, bool | int | float):
        return str(raw).lower() if isinstance(raw, bool) else f"{raw:.15g}" if isinstance(raw, float) else str(raw)
    if kind == "number" and isinstance(raw, float):
        return repr(raw) if math.isfinite(raw) else str(raw)
    return raw


def for_script(value: Any, prop: Property, usernames: dict[int, str]) -> Any:
    """A property's value as scripts see it: numbers, yes or no, milliseconds since 1970, texts; null for a blank."""
    if value is None or value == "":
        return None
    if prop.type == "user":
        return usernames.get(value)
    if isinstance(value, dt.datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, dt.date):
        return round(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC).timestamp() * 1000)
    if prop.kind.multiple:
        return ";".join(str(part) for part in value)
    if prop.kind.family == "number":
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return prop.as_json(value)
