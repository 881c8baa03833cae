"""What definitions use is kept beside them, with the digest of what it was read from: so it is never out of date."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import CharField, F, Q, QuerySet, TextField, Value
from django.db.models.functions import MD5, Cast, Concat

from workflows.dependencies.reading import VERSION, uses_in
from workflows.models import Revision

#: Definitions read and kept at once.
PORTION = 100
DIGEST = MD5(Concat(Value(f"{VERSION}:"), Cast("definition", TextField())), output_field=CharField())


def current() -> QuerySet[Revision]:
    """The live revision and the draft of every workflow that is not deleted."""
    return Revision.objects.filter(Q(published_at=None) | Q(pk=F("workflow__live")), workflow__deleted_at=None)


def refresh() -> int:
    """Read every current definition that has changed since it was read last; how many.

    Whoever asks what uses something calls this first: a definition is compared, not trusted to have been told of.
    """
    stale = current().annotate(digest=DIGEST).exclude(uses_digest=F("digest")).order_by("pk")
    count = 0
    while rows := list(stale.values_list("pk", "definition", "digest")[:PORTION]):
        keep(
            Revision(pk=pk, uses=[use._asdict() for use in uses_in(document)], uses_digest=digest)
            for pk, document, digest in rows
        )
        count += len(rows)
    return count


def keep(revisions: Iterable[Revision]) -> None:
    Revision.objects.bulk_update(list(revisions), ["uses", "uses_digest"])


def using(kind: str, key: str) -> QuerySet[Revision]:
    """The current revisions that use a thing, by the names of their workflows."""
    refresh()
    found = current().filter(uses__contains=[{"kind": kind, "key": key}])
    return found.select_related("workflow").order_by("workflow__name", "workflow", "pk")
