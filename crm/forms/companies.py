"""The company who fills in a form works at: found by its domain or name, made where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.saving import Row, save_batch
from records.saving.matching import holders, lock_uniques


def domain_of(text: str) -> str:
    """ "https://www.Acme.example/about" → "acme.example"."""
    text = text.strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or text
    except ValueError:
        return text  # Saving says what is wrong with it.
    return host.removeprefix("www.")


def find_or_make(values: Mapping[str, Any], facts: Mapping[str, Any]) -> int | None:
    """The company that is meant, by its id; None when neither domain nor name is given.

    A new one gets every value. Of one that is there only what was blank is filled: a visitor does not rewrite a
    company. The caller's transaction holds the lock until it ends. Raises DocumentError with paths like
    "company.name".
    """
    kind = object_types["company"]
    given = dict(values)
    if given.get("domain"):
        given["domain"] = domain_of(str(given["domain"]))
    if not given.get("domain") and not given.get("name"):
        return None
    lock_uniques(kind)
    pk = company_with(kind, given)
    if pk is None:
        row = Row(given | {"name": given.get("name") or given["domain"]})
    else:
        known, record = kind.properties(), kind.records().get(pk=pk)
        row = Row({slug: value for slug, value in given.items() if known[slug].read(record) is None}, id=pk)
    try:
        return save_batch(kind, [row], source="form", facts=facts)[0].id
    except DocumentError as error:
        raise DocumentError(renamed(problem, "company") for problem in error.problems) from None


def company_with(kind: ObjectType, given: Mapping[str, Any]) -> int | None:
    """The oldest company of this domain; of this name where no domain is given."""
    slug = "domain" if given.get("domain") else "name"
    try:
        value = kind.properties()[slug].clean(given[slug])
    except ValueError:
        return None  # Saving says what is wrong with it.
    return next((ids[0] for ids in holders(kind, kind.properties()[slug], [value]).values()), None)


def renamed(problem: Problem, kind: str) -> Problem:
    """A problem of a saved row with the path "company.name" in place of "0.properties.name"."""
    slug = problem.path.rpartition("properties.")[2]
    return Problem(f"{kind}.{slug}", problem.message, problem.value, problem.severity, problem.code)
