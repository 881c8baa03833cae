"""Which way records take at an if/then branch: one statement, read from the document once per process."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Case, IntegerField, Value, When

from records import criteria, vocabulary
from records.plans import SQL, derived
from records.sql_arrays import array
from workflows.prepared import version_of
from workflows.times.wall_time import workflow_zone

if TYPE_CHECKING:
    from workflows.definitions.definition import Step
    from workflows.engine.batch import Batch

KEPT = 1_000
#: By revision and step: the step as it was read, the version of the vocabulary, and the statement.
kept: OrderedDict[tuple[int, str], tuple[Step, vocabulary.Version, SQL]] = OrderedDict()


def ways(batch: Batch, otherwise: int) -> dict[int, int]:
    """By record id the first branch whose criteria it meets; `otherwise` where there is none. Raises DocumentError."""
    table, params = statement(batch, otherwise)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT record_id, way FROM {table} WHERE record_id = ANY(%s::bigint[])", [*params, array(batch.ids)]
        )
        return dict(cursor.fetchall())


def statement(batch: Batch, otherwise: int) -> SQL:
    """A derived table `ways (record_id, way)`; kept unless time or a plain function's options can change it."""
    version = version_of(batch.context)
    key = (batch.revision.pk, batch.step.id)
    found = kept.get(key)
    if found is not None and found[0] is batch.step and found[1] == version:
        return found[2]
    read = {i: compiled(branch.criteria, batch) for i, branch in enumerate(batch.step.branches) if branch.criteria}
    whens = [When(one.q, then=Value(index)) for index, one in read.items()]
    way = Case(*whens, default=Value(otherwise), output_field=IntegerField())
    rows = batch.object_type.records().annotate(way=way).values_list("pk", "way")
    made = derived(rows, "ways (record_id, way)", "SELECT 0::bigint, 0 WHERE false")
    if all(one.criteria.lasting and not one.dependencies.time_sensitive for one in read.values()):
        kept[key] = (batch.step, version, made)
        if len(kept) > KEPT:
            kept.popitem(last=False)
    return made


def compiled(document: Any, batch: Batch) -> criteria.Compiled:
    """The criteria of a branch that was published: users and options that have gone since match nothing."""
    zone = workflow_zone(batch.definition.settings).key
    return criteria.compile(document, batch.object_type, now=batch.now, zone=zone, stored=True)
