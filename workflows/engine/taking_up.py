"""What the engine asks before a batch's first step, in one round trip: may it, what of the claim is still its own,
how the workflow stands now. A round trip costs more than most of what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from records import vocabulary
from workflows.engine.batch import Standing
from workflows.engine.claiming import Claim
from workflows.holding import MAY_STEP, Held
from workflows.models import Revision, Workflow

#: Enrollments by revision and the causal chain behind them.
Groups = dict[tuple[Any, ...], list[Standing]]

# The answer is kept for OURS: who may not begin must not wait for rows that somebody holds who holds the workflow.
# A batch is looked up by its ids in memory: with a disk's prices the planner would read tables of thousands whole.
SETTINGS = f"""
    SELECT set_config('headrace.may', COALESCE({MAY_STEP}, true)::text, true),
        set_config('lock_timeout', '5s', true), set_config('jit', 'off', true),
        set_config('random_page_cost', '1.1', true),
        CASE WHEN %(limit)s <> '0' THEN set_config('statement_timeout', %(limit)s, true) END
"""
# By id, and so written that no other index offers itself: nothing indexes the claim, so that claiming stays cheap.
# Moments as texts: few steps ask for them.
OURS = """
    SELECT revision_id, cause ->> 'depth', cause ->> 'chain',
        id, record_id, step, visit, waiting_in, tries, cause, outputs, enrolled_at::text, arrived_at::text
    FROM workflows_enrollment
    WHERE id = ANY(%(ids)s::bigint[]) AND claim = %(token)s AND status || '' = 'active'
        AND current_setting('headrace.may') = 'true'
    ORDER BY id FOR UPDATE
"""
# Only what steps ask for; a published definition is long and never changes: it is read once per process.
REVISION = ("id", "workflow_id", "number", "rev", "created_at")
WORKFLOW = ("id", "name", "object_type", "status", "live_id")
REVISIONS = f"""
    SELECT {", ".join(f"r.{name}" for name in REVISION)}, {", ".join(f"w.{name}" for name in WORKFLOW)}
    FROM workflows_revision r JOIN workflows_workflow w ON w.id = r.workflow_id
"""
FIRST = f"{REVISIONS} WHERE r.id = (SELECT revision_id FROM workflows_enrollment WHERE id = %(first)s)"
OTHERS = f"{REVISIONS} WHERE r.id = ANY(%s)"


@dataclass
class TakenUp:
    """The enrollments of a claim that are still ours, locked, with the revisions they are of."""

    groups: Groups
    revisions: dict[int, Revision]
    vocabulary: vocabulary.Version


def take_up(claim: Claim, seconds: float) -> TakenUp:
    """Lock what is still ours of a claim; no statement of the transaction may take longer than so many seconds.

    Raises Held when the workflow is being switched or published just now.
    """
    facts: dict[str, Any] = {
        "first": claim.first,
        "limit": f"{seconds * 1_000:.0f}",
        "ids": claim.listed,
        "token": claim.token,
    }
    with connection.cursor() as cursor:
        cursor.execute(";".join((SETTINGS, OURS, FIRST, vocabulary.statement())), facts)
        if cursor.fetchone()[0] == "false":
            raise Held
        groups: Groups = {}
        for row in following(cursor):
            groups.setdefault(row[:3], []).append(Standing(*row[3:]))
        revisions = dict(map(made, following(cursor)))
        version = vocabulary.version_in(following(cursor))
        # Published meanwhile: some have gone on to another revision.
        if missing := {revision for revision, *_chain in groups} - revisions.keys():
            cursor.execute(OTHERS, [list(missing)])
            revisions |= dict(map(made, cursor.fetchall()))
    return TakenUp(groups, revisions, version)


def following(cursor: Any) -> list[tuple[Any, ...]]:
    """What the next of several statements has found."""
    cursor.nextset()
    return list(cursor.fetchall())


def made(row: tuple[Any, ...]) -> tuple[int, Revision]:
    """A revision with its workflow; what was not read is loaded when it is asked for."""
    revision = Revision.from_db(connection.alias, REVISION, row[: len(REVISION)])
    revision.workflow = Workflow.from_db(connection.alias, WORKFLOW, row[len(REVISION) :])
    return revision.pk, revision
