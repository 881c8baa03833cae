"""Every address of the installation asked for by everybody: who gets in is written down in matrix.txt.

An address that is not written down fails the first test, so that nobody adds one without saying whom it is for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.matrix import Asking, askers, families, line_of, written
from tests.access.people import PEOPLE
from tests.access.walking import NEVER

pytestmark = pytest.mark.django_db
#: Who may nothing: refused wherever anybody is.
NOBODY = PEOPLE.index("nobody")


@pytest.fixture
def _patient(settings: Any) -> Iterator[None]:
    """No limit counts, and no line for each of thousands of refusals."""
    settings.API_REQUESTS_PER_10_S = settings.API_FAILURES_PER_10_S = 100_000
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


def test_every_address_is_written_down_and_none_that_is_not_there() -> None:
    there, told = set(families()), set(written())
    assert not there - told, "say in matrix.txt who gets in: " + ", ".join(map(str, sorted(there - told)))
    assert not told - there, "is there no more, take it out of matrix.txt: " + ", ".join(
        map(str, sorted(told - there))
    )


@pytest.mark.usefixtures("_patient")
def test_everybody_gets_in_where_it_is_written_and_nowhere_else() -> None:
    """What all types of records have is asked of deals by everybody, of the others by whoever may nothing."""
    expected, asking, wrong = written(), Asking(), []
    for (method, family), members in families().items():
        marks = expected.get((method, family), "")
        found = asking.marks(method, members[0], askers(family))
        if found != marks:
            wrong.append(f"{line_of(method, family, found)}   (written: {marks or 'nothing'})")
        for other in members[1:] if marks and marks[NOBODY] != NEVER else ():
            if asking.marks(method, other, ["nobody"])[NOBODY] != marks[NOBODY]:
                wrong.append(f"{method} {other.route}: nobody gets what is not written")
    assert not wrong, "\n".join(wrong)
