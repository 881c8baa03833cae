"""Filters on the import through which a record was added (FLT-30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.dependencies import Dependency
from records.criteria.leaves.base import LeafKind, leaf_kinds
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import Context, Node
from records.models import ImportedRecord, ImportRun
from records.object_types import ObjectType

#: Stands for every import into the object type.
ANY_IMPORT = "any"
SHOWN = 30
OFFERED = 1_000
LARGEST = 2**63
ADDED, NOT_ADDED = "was_added", "was_not_added"
OPERATORS: dict[str, str | Promise] = {
    ADDED: gettext_lazy("was added by the import"),
    NOT_ADDED: gettext_lazy("was not added by the import"),
}


@leaf_kinds.register
class ImportKind(LeafKind):
    """{import: id | "any", operator: was_added | was_not_added}"""

    slug = "import"
    label = gettext_lazy("Import")
    permission = "records.view_importrun"
    spec = ("FLT-30",)

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        """The imports that have added records, newest first."""
        found = [(str(run.pk), name_of(run)) for run in runs(object_type).order_by("-pk")[:OFFERED]]
        return [(ANY_IMPORT, _("any import")), *found] if found else []

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in OPERATORS.items()]

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        scope.unknown_keys(document, {"import", "operator"}, path)
        operator = document.get("operator")
        run = self.run_of(document["import"], scope, path)
        if not isinstance(operator, str) or operator not in OPERATORS:
            message = _("An import cannot be asked for with the operator %(value)r. Use one of: %(known)s.")
            values = {"value": operator, "known": ", ".join(OPERATORS)}
            scope.fault(joined_path(path, "operator"), message % values, operator, code="unknown_operator")
            return None
        if run is None:
            return None
        return ImportFilter(path, scope.object_type, run, operator == ADDED, scope.hops)

    def run_of(self, value: Any, scope: Scope, path: str) -> int | None:
        """The import's id, 0 for any; None where there is none into this object type."""
        if value == ANY_IMPORT:
            return 0
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            number = int(value)
        known = ImportRun.objects.filter(object_type=scope.object_type.slug)
        if number is not None and 0 < number < LARGEST and (scope.stored or known.filter(pk=number).exists()):
            return number
        message = _("There is no import %(value)r of %(records)s. Use “any” or one of: %(known)s.")
        rows = list(known.order_by("-pk").values_list("pk", "file_name")[: SHOWN + 1])
        listed = ", ".join(f"{pk} ({name})" for pk, name in rows[:SHOWN]) + (_(" …") if len(rows) > SHOWN else "")
        values = {"value": value, "records": scope.object_type.label_plural, "known": listed or _("none")}
        scope.fault(joined_path(path, "import"), message % values, value, code="unknown_import")
        return None


def runs(object_type: ObjectType) -> Any:
    """The imports into an object type that are known to have added records."""
    added = ImportedRecord.objects.filter(run=OuterRef("pk"), added=True)
    return ImportRun.objects.filter(Exists(added), object_type=object_type.slug).defer("content", "plan")


def key_of(run: int) -> str:
    """Under which name an import, or (0) any, is followed, like a property."""
    return f"import:{run or ANY_IMPORT}"


def name_of(run: ImportRun) -> str:
    at = date_format(localtime(run.created_at), "SHORT_DATETIME_FORMAT")
    return _("%(file)s, %(at)s") % {"file": run.file_name, "at": at}


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
