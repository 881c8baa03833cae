"""How many errors keep workflows of a list from being published: counted once, until something they depend on changes.

To check a workflow takes some ten milliseconds, and a page of the list has fifty. A count is kept under the document,
and the version of the vocabulary (records.vocabulary). What looks at another table is checked anew each time, step by
step with the answers that are kept (workflows.step_forms.answers).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from django.db import connection
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from records import vocabulary
from records.problems import DocumentError
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.step_forms.answers import Answers, digest
from workflows.step_forms.watching import Noticing

KEPT = 5_000
#: By a digest of all that matters; None for one that is counted anew each time.
kept: OrderedDict[bytes, int | None] = OrderedDict()


def error_count(document: dict[str, Any], workflow: int) -> int:
    """The number of errors of a workflow's document, for nobody in particular.

    Inside of `read_once`, whose first question was for the version of the vocabulary.
    """
    key = digest(document, workflow, vocabulary.version_once(), get_language(), get_current_timezone_name())
    if key in kept:
        kept.move_to_end(key)
        found = kept[key]
        return count(document, workflow) if found is None else found
    noticing = Noticing()
    with connection.execute_wrapper(noticing):
        number = count(document, workflow)
    kept[key] = None if noticing.beyond else number
    if len(kept) > KEPT:
        kept.popitem(last=False)
    return number


def count(document: dict[str, Any], workflow: int) -> int:
    try:
        definition = parse(document)
        found = checking.problems(definition, workflow=workflow, answers=Answers(definition, workflow))
    except DocumentError as error:
        return len(error.problems)
    return len(checking.errors(found))
