"""Filters on the import through which a record was added (FLT-30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.dependencies import Dependency
from records.criteria.leaves.base import OneRowKind, leaf_kinds
from records.criteria.scope import Scope
from records.criteria.tree import Context, Node
from records.models import ImportedRecord, ImportRun
from records.moments import moment
from records.object_types import ObjectType

ADDED, NOT_ADDED = "was_added", "was_not_added"
OPERATORS: dict[str, str | Promise] = {
    ADDED: gettext_lazy("was added by the import"),
    NOT_ADDED: gettext_lazy("was not added by the import"),
}


@leaf_kinds.register
class ImportKind(OneRowKind):
    """{import: id | "any", operator: was_added | was_not_added}"""

    slug = "import"
    label = gettext_lazy("Import")
    permission = "records.view_importrun"
    spec = ("FLT-30",)
    no_such = gettext_lazy("There is no import %(value)r of %(records)s. Use “any” or one of: %(known)s.")

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in OPERATORS.items()]

    def there_are(self, object_type: ObjectType) -> QuerySet[Any]:
        return ImportRun.objects.filter(object_type=object_type.slug).defer("content", "plan").order_by("-pk")

    def offered(self, object_type: ObjectType) -> QuerySet[Any]:
        """The imports that are known to have added records, newest first."""
        return self.there_are(object_type).filter(
            Exists(ImportedRecord.objects.filter(run=OuterRef("pk"), added=True))
        )

    def name_of(self, row: ImportRun) -> str:
        return name_of(row)

    def any_label(self) -> str:
        return _("any import")

    def filter(self, chosen: int, operator: str, scope: Scope, path: str) -> Node:
        return ImportFilter(path, scope.object_type, chosen, operator == ADDED, scope.hops)


def key_of(run: int) -> str:
    """Under which name an import, or (0) any, is followed, like a property."""
    return f"import:{run or OneRowKind.any_row}"


def name_of(run: ImportRun) -> str:
    return _("%(file)s, %(at)s") % {"file": run.file_name, "at": moment(run.created_at)}


@dataclass(frozen=True)
class ImportFilter(Node):
    """Whether a record was added by an import, or (0) by any.

    Rows about a record are written with it in one transaction, so that its creation is all there is to follow.
    """

    path: str
    object_type: ObjectType
    run: int
    added: bool
    hops: tuple[str, ...]

    def q(self, context: Context) -> Q:
        rows = ImportedRecord.objects.filter(record_id=OuterRef("pk"), added=True)
        rows = rows.filter(run=self.run) if self.run else rows.filter(run__object_type=self.object_type.slug)
        return Q(Exists(rows)) if self.added else ~Q(Exists(rows))

    def text(self, context: Context) -> str:
        name = _("any import")
        if self.run:
            run = ImportRun.objects.filter(pk=self.run).defer("content", "plan").first()
            name = _("the import “%(name)s”") % {"name": name_of(run)} if run else _("an import that is gone")
        if self.added:
            return _("was added by %(import)s") % {"import": name}
        return _("was not added by %(import)s") % {"import": name}

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency(self.object_type.slug, key_of(self.run), self.hops)
