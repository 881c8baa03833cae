"""The JSON schemas of workflows, enrollments and the catalog."""

from __future__ import annotations

from records.api.record_shapes import ID, INSTANT
from records.api.schema import Document, object_shape
from workflows.models import Delivery, Enrollment, MassEnrollment, MassMove, Workflow

TEXT: Document = {"type": "string"}
FLAG: Document = {"type": "boolean"}
COUNT: Document = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Document = {"type": ["string", "null"]}
MAYBE_INSTANT: Document = {"type": ["string", "null"], "format": "date-time"}
MAYBE_COUNT: Document = {"type": ["integer", "null"], "minimum": 0}
ANYTHING: Document = {}


def many(shape: Document) -> Document:
    return {"type": "array", "items": shape}


DEFINITION: Document = {
    "type": "object",
    "title": "Definition",
    "description": "The whole workflow: trigger, steps, settings; the same document as in files and in revisions.",
    "properties": {
        "format": {"type": "integer", "enum": [1]},
        "name": TEXT,
        "object": {"type": "string", "description": "The slug of an object type."},
        "description": TEXT,
        "trigger": {"type": ["object", "null"], "additionalProperties": True},
        "steps": many({"type": "object", "additionalProperties": True}),
        "settings": {"type": ["object", "null"], "additionalProperties": True},
    },
    "required": ["object"],
    "additionalProperties": True,
}
DRAFT_STATE = object_shape({"number": COUNT, "rev": COUNT}) | {"type": ["object", "null"]}
WORKFLOW = object_shape(
    {
        "id": ID,
        "name": TEXT,
        "object": TEXT,
        "description": TEXT,
        "folder": MAYBE_TEXT,
        "status": {"type": "string", "enum": list(Workflow.Status.values)},
        "live": {"type": ["integer", "null"], "description": "Number of the published revision."},
        "draft": DRAFT_STATE,
        "created_by": MAYBE_TEXT,
        "created_at": INSTANT,
        "updated_at": INSTANT,
        "turned_on_at": MAYBE_INSTANT,
        "turn_off_at": MAYBE_INSTANT | {"description": "When the clock turns it off."},
    },
    title="Workflow",
)
PROBLEM = object_shape({"path": TEXT, "message": TEXT, "severity": {"type": "string", "enum": ["error", "warning"]}})
STEP_COUNT = object_shape({"revision": ID, "step": TEXT, "count": COUNT})
REVIEW = object_shape(
    {
        "ready": {"type": "boolean", "description": "Nothing keeps it from being published."},
        "problems": many(PROBLEM),
        "trigger": {"type": "string", "description": "The trigger as a sentence."},
        "matching": MAYBE_COUNT
        | {"description": "Records that match now, exactly; null where the trigger looks at what you may not see."},
        "samples": many(object_shape({"id": ID, "name": TEXT})),
        "already_enrolled": MAYBE_COUNT,
        "kept_out": MAYBE_COUNT
        | {"description": "Of the others, who stays out: suppression lists, unenrollment criteria or the goal."},
        "next_times": many(INSTANT) | {"description": "When the schedule fires next, if the trigger is one."},
        "in_flight": {"type": "string", "enum": ["follow", "pin"], "description": "What publishing does by default."},
        "inside": many(STEP_COUNT),
        "orphans": many(STEP_COUNT) | {"description": "Who stands on a step that the draft does not have."},
        "delays": many(STEP_COUNT) | {"description": "Who waits in a delay that the draft changes."},
    },
    title="Review",
)
PUBLISHED = object_shape(
    {"revision": COUNT, "enrolled": COUNT, "moved": COUNT, "sent_on": COUNT, "removed": COUNT, "recomputed": COUNT},
    title="Published",
)
REFUSED = object_shape({"record": ID, "code": TEXT, "message": TEXT})
ENROLLED = object_shape({"enrolled": many(ID), "refused": many(REFUSED)}, title="Enrolled")
MASS = object_shape(
    {
        "id": ID,
        "status": {"type": "string", "enum": list(MassEnrollment.Status.values)},
        "total": {"type": "integer", "description": "Records when it began."},
        "asked": {"type": "integer", "description": "Records looked at by now."},
        "enrolled": COUNT,
        "refused": many(object_shape({"code": TEXT, "count": COUNT, "message": TEXT})),
        "message": {"type": "string", "description": "Why it was stopped."},
    },
    title="MassEnrollment",
)
REASON_COUNT = object_shape({"code": TEXT, "count": COUNT, "message": TEXT})
MASS_MOVE = object_shape(
    {
        "id": ID,
        "step": {"type": "string", "description": "Id of the step they are moved to."},
        "status": {"type": "string", "enum": list(MassMove.Status.values)},
        "total": {"type": "integer", "description": "Enrollments when it began."},
        "asked": {"type": "integer", "description": "Enrollments looked at by now."},
        "moved": COUNT,
        "cancelled": {"type": "integer", "description": "Deliveries of their steps that are not sent by that."},
        "refused": many(REASON_COUNT),
        "message": {"type": "string", "description": "Why it was stopped."},
    },
    title="MassMove",
)
MOVED = object_shape(
    {
        "moved": COUNT,
        "cancelled": {"type": "integer", "description": "Deliveries of their steps that are not sent by that."},
        "from": many(
            object_shape(
                {"revision": COUNT, "step": {"type": "string", "description": "Id of the step."}, "count": COUNT}
            )
        ),
        "refused": many(REASON_COUNT),
    },
    title="Moved",
)
UNENROLLED = object_shape({"unenrolled": COUNT}, title="Unenrolled")
ENROLLMENT_KEYS: Document = {
    "id": ID,
    "workflow": ID,
    "revision": {"type": "integer", "description": "Number of the revision it is on."},
    "object": TEXT,
    "record": ID,
    "status": {"type": "string", "enum": list(Enrollment.Status.values)},
    "step": {"type": ["string", "null"], "description": "Id of the step it stands on."},
    "due_at": MAYBE_INSTANT,
    "cause": {"type": "string", "description": "filter, manual or existing."},
    "enrolled_at": INSTANT,
    "ended_at": MAYBE_INSTANT,
    "ended_reason": {"type": "string", "description": "A code; “ended_because” says it in a sentence."},
    "ended_because": TEXT,
}
ENROLLMENT = object_shape(ENROLLMENT_KEYS, title="Enrollment")
REVIVED = object_shape(
    {"revived": COUNT, "refused": many(object_shape({"code": TEXT, "count": COUNT, "message": TEXT}))}, title="Revived"
)
SETTLED = object_shape({"settled": COUNT}, title="Settled")
DELIVERY = object_shape(
    {
        "id": ID,
        "key": {"type": "string", "description": "What the receiver knows it by: the same at every attempt."},
        "kind": TEXT,
        "state": {"type": "string", "enum": list(Delivery.State.values)},
        "workflow": {"type": ["integer", "null"]},
        "enrollment": {"type": ["integer", "null"]},
        "attempts": COUNT,
        "last_error": TEXT,
        "due_at": MAYBE_INSTANT,
        "created_at": INSTANT,
        "done_at": MAYBE_INSTANT,
    },
    title="Delivery",
)
LINE = object_shape(
    {
        "kind": {"type": "string", "enum": ["enrolled", "step", "ended"]},
        "at": INSTANT,
        "outcome": TEXT,
        "step": MAYBE_TEXT,
        "number": MAYBE_COUNT,
        "label": TEXT,
        "sentence": TEXT,
        "html": {"type": "string", "description": "The sentence with links."},
    }
)
ENROLLMENT_DETAIL = object_shape(ENROLLMENT_KEYS | {"history": many(LINE)}, title="EnrollmentDetail")
PLUGIN: Document = {"slug": TEXT, "label": TEXT, "description": TEXT}
OPERATOR = object_shape(
    {
        "slug": TEXT,
        "label": TEXT,
        "types": many(TEXT) | {"description": "The property types it compares."},
        "operands": many({"type": "object", "additionalProperties": True}),
    }
)
SCHEMA_OBJECT: Document = {"type": "object", "additionalProperties": True, "description": "A JSON schema."}
OBJECT_TYPES: Document = {"type": ["array", "null"], "items": TEXT, "description": "null: of every type."}
FILTER_KIND = object_shape({"key": TEXT, "label": TEXT, "operators": many(TEXT)}, title="FilterKind")
EVENT_KIND = object_shape(
    {
        "slug": TEXT,
        "label": TEXT,
        "category": TEXT,
        "object_types": OBJECT_TYPES,
        "properties": many(object_shape({"slug": TEXT, "label": TEXT, "type": TEXT})),
        "triggers": FLAG,
        "waited_for": FLAG,
        "filters": FLAG,
    },
    title="EventKind",
)
CATALOG = object_shape(
    {
        "triggers": many(object_shape(PLUGIN)),
        "filters": many(FILTER_KIND),
        "events": many(EVENT_KIND),
        "actions": many(
            object_shape(
                PLUGIN
                | {
                    "group": TEXT,
                    "has_branches": FLAG,
                    "object_types": {"type": ["array", "null"], "items": TEXT},
                    "params": SCHEMA_OBJECT,
                }
            )
        ),
        "operators": many(OPERATOR),
    },
    title="Catalog",
)
