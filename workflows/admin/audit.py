"""The audit log: who did what to a workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from workflows.admin.reading import ReadOnlyAdmin
from workflows.models import AuditEntry
from workflows.rights.opening import openable

ACTIONS = {
    "published": _("Published"),
    "turned_on": _("Turned on"),
    "turned_off": _("Turned off"),
    "paused": _("Paused"),
    "resumed": _("Resumed"),
    "draining": _("Let finish"),
    "finished": _("Finished and turned off"),
    "turned_off_as_planned": _("Turned off as planned"),
    "notified": _("Told who watches it"),
    "changed": _("Renamed or described"),
    "deleted": _("Deleted"),
    "restored": _("Restored"),
    "enrolled_by_hand": _("Enrolled by hand"),
    "retried": _("Tried stopped records again"),
    "passed_over": _("Took stopped records past their step"),
    "left_stopped": _("Left stopped records as they are"),
    "sent_again": _("Sent deliveries again"),
    "deliveries_skipped": _("Skipped deliveries"),
    "marked_sent": _("Marked deliveries as sent"),
}
NUMBERS: dict[str, Callable[[int], str]] = {
    "enrolled": lambda n: ngettext("%(count)d record enrolled.", "%(count)d records enrolled.", n),
    "refused": lambda n: ngettext("%(count)d record refused.", "%(count)d records refused.", n),
    "moved": lambda n: ngettext(
        "%(count)d record moved to the new revision.", "%(count)d records moved to the new revision.", n
    ),
    "sent_on": lambda n: ngettext(
        "%(count)d of them from a step that is gone.", "%(count)d of them from steps that are gone.", n
    ),
    "recomputed": lambda n: ngettext(
        "The delay of %(count)d record was counted anew.", "The delays of %(count)d records were counted anew.", n
    ),
    "told": lambda n: ngettext("%(count)d person was told.", "%(count)d people were told.", n),
    "removed": lambda n: ngettext("%(count)d record taken out.", "%(count)d records taken out.", n),
    "unenrolled": lambda n: ngettext("%(count)d record left.", "%(count)d records left.", n),
    "records": lambda n: ngettext("%(count)d record.", "%(count)d records.", n),
    "deliveries": lambda n: ngettext("%(count)d delivery.", "%(count)d deliveries.", n),
}
NAMES = {"name": _("Name"), "description": _("Description"), "folder": _("Folder")}


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "who", "workflow", "what", "facts")
    list_display_links = None
    list_filter = ("action", "at")
    search_fields = ("workflow__name", "user__username")
    list_select_related = ("workflow", "user")
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return openable(super().get_queryset(request), request.user, "workflow")

    @admin.display(description=_("user"))
    def who(self, entry: AuditEntry) -> str:
        return str(entry.user) if entry.user else str(_("the system"))

    @admin.display(description=_("action"))
    def what(self, entry: AuditEntry) -> str:
        return str(ACTIONS.get(entry.action) or entry.action.replace("_", " ").capitalize())

    @admin.display(description=_("details"))
    def facts(self, entry: AuditEntry) -> str:
        return " ".join(told(entry.detail)) or "–"


def told(detail: dict[str, Any]) -> Iterator[str]:
    """What an entry knows, as sentences; numbers that are zero say nothing."""
    if "revision" in detail:
        yield gettext("Revision %(number)s.") % {"number": detail["revision"]}
    for name, sentence in NUMBERS.items():
        if count := detail.get(name):
            yield sentence(count) % {"count": count}
    for name, label in NAMES.items():
        if name in detail:
            yield gettext("%(label)s: “%(value)s”.") % {"label": label, "value": detail[name] or "–"}
