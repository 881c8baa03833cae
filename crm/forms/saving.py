"""Saving what visitors send: the answer is the same whether a record like it is there or not.

Who may know what is in the CRM signs in to it. A form is open to everybody, so what it answers must not depend on the
records there are: a value that another record has and nobody else may have is kept with the submission only, and a new
record may lack what the form does not ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.saving import Row, save_batch

SOURCE = "form"
TAKEN = "taken"


def save(
    kind: ObjectType,
    values: Mapping[str, Any],
    *,
    id: int | None = None,
    upsert_by: str | None = None,
    associations: list[dict[str, Any]] | None = None,
    facts: Mapping[str, Any],
) -> tuple[int, set[str]]:
    """Save one record; its id, and the slugs of values that were left out, as another record has them.

    Raises DocumentError for values that are wrong in themselves, with paths like "contact.city".
    """
    left, taken = dict(values), set[str]()
    while True:
        row = Row(left, id=id, associations=associations or [], incomplete=True)
        try:
            saved = save_batch(kind, [row], upsert_by=upsert_by, source=SOURCE, facts=facts)[0]
        except DocumentError as error:
            problems = [renamed(problem, kind.slug) for problem in error.problems]
            held = {problem.path.partition(".")[2] for problem in problems if problem.code == TAKEN} & left.keys()
            # What is wrong in itself is said, whether or not something else is taken.
            wrong = [problem for problem in problems if problem.code != TAKEN]
            if wrong or not held:
                raise DocumentError(wrong or problems) from None
            taken |= held
            left = {slug: value for slug, value in left.items() if slug not in held}
        else:
            assert saved.id is not None, "a valid row has a record"
            return saved.id, taken


def renamed(problem: Problem, kind: str) -> Problem:
    """A problem of a saved row with the path "company.name" in place of "0.properties.name"."""
    slug = problem.path.rpartition("properties.")[2]
    return Problem(f"{kind}.{slug}", problem.message, problem.value, problem.severity, problem.code)
