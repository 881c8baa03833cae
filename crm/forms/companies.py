"""The company who fills in a form works at: found by its domain or name, made where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from crm.forms.saving import renamed, save
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.saving import Row
from records.saving.cleaning import Cleaner
from records.saving.matching import holders, lock_uniques
from records.saving.rows import Work


def domain_of(text: str) -> str:
    """ "https://www.Acme.example/about" → "acme.example"."""
    text = text.strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or text
    except ValueError:
        return text  # Saving says what is wrong with it.
    return host.removeprefix("www.")


def find_or_make(values: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[int | None, set[str]]:
    """The company that is meant, by its id, and the slugs of values another company has; None when neither domain
    nor name is given.

    A new one gets every value. Of one that is there only what was blank is filled: a visitor does not rewrite a
    company. The caller's transaction holds the lock until it ends. Raises DocumentError with paths like
    "company.name".
    """
    kind = object_types["company"]
    given = dict(values)
    if given.get("domain"):
        given["domain"] = domain_of(str(given["domain"]))
    if not given.get("domain") and not given.get("name"):
        return None, set()
    lock_uniques(kind)
    pk = company_with(kind, given)
    if pk is None:
        return save(kind, given | {"name": given.get("name") or given["domain"]}, facts=facts)
    known, record = kind.properties(), kind.records().get(pk=pk)
    # What stays as it is must be as good as what is written, or the answer would tell which it was.
    check(kind, given)
    blank = {slug: value for slug, value in given.items() if known[slug].read(record) is None}
    return save(kind, blank, id=pk, facts=facts)


def company_with(kind: ObjectType, given: Mapping[str, Any]) -> int | None:
    """The oldest company of this domain; of this name where no domain is given."""
    slug = "domain" if given.get("domain") else "name"
    try:
        value = kind.properties()[slug].clean(given[slug])
    except ValueError:
        return None  # Saving says what is wrong with it.
    return next((ids[0] for ids in holders(kind, kind.properties()[slug], [value]).values()), None)


def check(kind: ObjectType, given: Mapping[str, Any]) -> None:
    """Raises DocumentError, with paths like "company.city", for values no company could have."""
    work = Work(Row(dict(given)))
    Cleaner(kind, [work.row]).clean(work)
    if not work.valid:
        raise DocumentError(renamed(problem, kind.slug) for problem in work.problems)
