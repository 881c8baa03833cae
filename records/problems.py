"""What is wrong with a document somebody sent: where, which value, what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Problem:
    """One fault in a document.

    `path` is its place in the document (`steps.2.params.title`), `message` a whole sentence that names the value
    and the remedy, `severity` "error" (blocks publishing) or "warning".
    """

    path: str
    message: str
    value: Any = None
    severity: str = "error"
    code: str = "invalid"

    def at(self, prefix: str) -> Problem:
        """The same problem seen from an enclosing document."""
        path = ".".join(part for part in (prefix, self.path) if part)
        return Problem(path, self.message, self.value, self.severity, self.code)

    def as_json(self) -> dict[str, str]:
        return {"path": self.path, "message": str(self.message)}


class DocumentError(ValueError):
    """A document with problems; nothing of it was stored."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in self.problems))


def unknown_keys(document: dict[str, Any], known: Collection[str], path: str = "") -> list[Problem]:
    """A problem for each key of a document that is none of the known ones."""
    unknown = [key for key in document if key not in known]
    if not unknown:
        return []
    message = _("“%(key)s” is not known here. Use: %(known)s.")
    names = ", ".join(sorted(known)) or _("none")
    return [
        Problem(key, message % {"key": key, "known": names}, key, code="unknown_field").at(path) for key in unknown
    ]
