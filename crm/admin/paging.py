"""Pages of the record lists: one look at a large table where Django's list takes two."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest

from crm.admin import columns
from records.object_types import object_type_of


class FirstPagePaginator(Paginator):
    """Reads the first page before it counts: a search that finds less than a page needs no count.

    Searching for what is rare, and counting what was found, would each read the whole table.
    """

    @cached_property
    def first(self) -> list[Any]:
        """The first page, and one record more where there is one."""
        return list(self.object_list[: self.per_page + 1])

    @cached_property
    def count(self) -> int:
        return len(self.first) if len(self.first) <= self.per_page else super().count


class RecordChangeList(ChangeList):
    """A list whose columns look everything up for the whole page."""

    #: The records themselves, not the question for them: it was asked already.
    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        every = self.show_all and self.result_count > self.list_per_page
        first: list[Any] | None = None if every or self.page_num > 1 else self.paginator.first
        found = list(self.result_list) if first is None else first[: self.list_per_page]
        page, shown = columns.columns_of(request, object_type_of(self.model))
        page.prime(found, shown)
        self.result_list = found
