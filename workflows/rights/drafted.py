"""What drafts touch, kept by what is written in them: a draft is read once, however often pages ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import CharField, QuerySet, TextField
from django.db.models.functions import MD5, Cast

from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.models import Revision

KEPT = 2_000


class Drafted:
    """The names, as "object_type.property", that `read` finds in drafts."""

    def __init__(self, read: Callable[[Definition], set[str]]) -> None:
        self.read = read
        self.kept: OrderedDict[str, frozenset[str]] = OrderedDict()

    def by_workflow(self, revisions: QuerySet[Revision]) -> list[tuple[int, frozenset[str]]]:
        """Of the drafts among some revisions the workflow and the names."""
        text = MD5(Cast("definition", TextField()), output_field=CharField())
        drafts: QuerySet[Revision, Any] = revisions.filter(published_at=None)
        rows = list(drafts.annotate(text=text).values_list("workflow", "pk", "text"))
        known = self.names_of({text: pk for _owner, pk, text in rows})
        return [(owner, known[text]) for owner, _pk, text in rows]

    def names_of(self, asked: Mapping[str, int]) -> dict[str, frozenset[str]]:
        """By text; `asked` has the id of a draft with each."""
        found = {text: self.kept[text] for text in asked if text in self.kept}
        unread = {pk: text for text, pk in asked.items() if text not in found}
        definitions = Revision.objects.filter(pk__in=unread).values_list("pk", "definition") if unread else []
        for pk, document in definitions:
            try:
                names = frozenset(self.read(parse(document)))
            except DocumentError:
                names = frozenset()  # It names what is gone: nothing of it can be carried out.
            found[unread[pk]] = self.kept[unread[pk]] = names
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return {text: found.get(text, frozenset()) for text in asked}
