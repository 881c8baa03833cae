"""What people are told of the trash."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy, ngettext

from records.moments import day
from records.saving import erasing


@admin.display(description=gettext_lazy("Erased on"), ordering="deleted_at")
def erased_on(record: Any) -> str:
    """The day a deleted record is erased for good; "" for one that is not deleted."""
    at = erasing.erased_at(record)
    return day(at) if at else ""


def told() -> str:
    """What is said after something was deleted."""
    message = ngettext(
        "Deleted. It can be restored here for %(days)d day.",
        "Deleted. It can be restored here for %(days)d days.",
        erasing.days(),
    )
    return message % {"days": erasing.days()}
