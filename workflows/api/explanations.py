"""The explanation of one record in one workflow, as a document."""

from __future__ import annotations

from typing import Any

from records.api.schema import Document, object_shape
from workflows.api.shapes import COUNT, INSTANT, MAYBE_TEXT, TEXT, many
from workflows.history.explanation import Explanation

MAYBE_FLAG: Document = {"type": ["boolean", "null"]}
LEAF = object_shape(
    {
        "path": TEXT,
        "sentence": TEXT,
        "met_now": MAYBE_FLAG,
        "value_now": TEXT,
        "met_then": MAYBE_FLAG,
        "value_then": MAYBE_TEXT,
    }
)
CHANGE = object_shape({"id": COUNT, "kind": TEXT, "at": INSTANT}) | {"type": ["object", "null"]}
EXPLANATION = object_shape(
    {
        "verdict": {"type": "string", "description": "A code, like enrolled or criteria_not_met."},
        "sentences": many(TEXT) | {"description": "The answer, then its reasons."},
        "leaves": many(LEAF) | {"description": "The trigger's filters, now and when the record was enrolled."},
        "enrollment": {"type": ["integer", "null"]},
        "change": CHANGE,
        "refusals": many(object_shape({"at": INSTANT, "message": TEXT})),
    },
    title="Explanation",
)


def render(found: Explanation) -> dict[str, Any]:
    change = found.change
    return {
        "verdict": found.verdict,
        "sentences": [str(sentence) for sentence in found.sentences],
        "leaves": [
            {
                "path": leaf.path,
                "sentence": str(leaf.sentence),
                "met_now": leaf.met_now,
                "value_now": leaf.value_now,
                "met_then": leaf.met_then,
                "value_then": leaf.value_then,
            }
            for leaf in found.leaves
        ],
        "enrollment": found.enrollment.pk if found.enrollment else None,
        "change": {"id": change.pk, "kind": change.kind, "at": change.at} if change else None,
        "refusals": [{"at": at, "message": str(message)} for at, message in found.refusals],
    }
