"""The audit log as people read it: who did what to a workflow, what was before and what is after (HIS-17)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Func, JSONField, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.signals import pre_delete
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from records.spreadsheets import safe
from workflows.drafting.telling import told as edit_told
from workflows.models import AuditEntry

ACTIONS = {
    "created": _("Created"),
    "edited": _("Edited"),
    "undone": _("Took an edit back"),
    "redone": _("Repeated an edit"),
    "published": _("Published"),
    "turned_on": _("Turned on"),
    "turned_off": _("Turned off"),
    "paused": _("Paused"),
    "resumed": _("Resumed"),
    "draining": _("Let finish"),
    "finished": _("Finished and turned off"),
    "turned_off_as_planned": _("Turned off as planned"),
    "notified": _("Told who watches it"),
    "changed": _("Renamed, described or moved to a folder"),
    "deleted": _("Deleted"),
    "restored": _("Restored"),
    "enrolled_by_hand": _("Enrolled by hand"),
    "moved_by_hand": _("Moved by hand to another step"),
    "retried": _("Tried stopped records again"),
    "passed_over": _("Took stopped records past their step"),
    "left_stopped": _("Left stopped records as they are"),
    "taken_out_by_hand": _("Took records out by hand"),
    "sent_again": _("Sent deliveries again"),
    "deliveries_skipped": _("Skipped deliveries"),
    "issue_fixed": _("Marked an issue as fixed"),
    "issue_ignored": _("Ignored an issue until it happens again"),
    "issue_put_off": _("Put an issue off"),
    "issue_reopened": _("Opened an issue again"),
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
    "cancelled": lambda n: ngettext("%(count)d delivery not sent.", "%(count)d deliveries not sent.", n),
    "deliveries": lambda n: ngettext("%(count)d delivery.", "%(count)d deliveries.", n),
}
NAMES = {"name": _("Name"), "description": _("Description"), "folder": _("Folder")}
HEADS = (
    _("When"), _("Who"), _("Workflow"), _("Name of the workflow"), _("Action"), _("Details"), _("What"), _("Before"),
    _("After"),
)  # fmt: skip
AT_A_TIME = 500
#: Under this an entry keeps who did it once that person is deleted.
GONE = "who"


def action_of(entry: AuditEntry) -> str:
    return str(ACTIONS.get(entry.action) or entry.action.replace("_", " ").capitalize())


def who_of(entry: AuditEntry) -> str:
    if entry.user:
        return str(entry.user)
    name = entry.detail.get(GONE)
    return gettext("%(name)s (deleted)") % {"name": name} if name else gettext("the system")


def keep_name(instance: Any, **_kwargs: Any) -> None:
    """Somebody is about to be deleted: what they did stays theirs in the log, under the name they signed in with."""
    named = Func(Value(GONE), Value(instance.get_username()), function="jsonb_build_object", output_field=JSONField())
    detail = CombinedExpression(F("detail"), "||", named, output_field=JSONField())
    AuditEntry.objects.filter(user=instance.pk).update(detail=detail)


def watch_people() -> None:
    """Keep the names of people who are deleted."""
    pre_delete.connect(keep_name, sender=get_user_model(), dispatch_uid="workflows.keep_name")


def sentences_of(detail: dict[str, Any]) -> Iterator[str]:
    """What an entry knows, as sentences; numbers that are zero say nothing."""
    if isinstance(detail.get("op"), dict):
        yield gettext("%(what)s.") % {"what": capfirst(edit_told(detail["op"]))}
    if "revision" in detail:
        yield gettext("Revision %(number)s.") % {"number": detail["revision"]}
    if because := detail.get("because"):
        yield str(because)
    for name, sentence in NUMBERS.items():
        if count := detail.get(name):
            yield sentence(count) % {"count": count}
    for name, label in NAMES.items():
        if name in detail:
            yield gettext("%(label)s: “%(value)s”.") % {"label": label, "value": detail[name] or "–"}


def changes_of(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """Place, value before and value after, of everything an entry changed."""
    return [
        (str(one.get("at") or entry.workflow.name), shown(one.get("before")), shown(one.get("after")))
        for one in entry.detail.get("changes") or []
        if isinstance(one, dict)
    ]


def shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def audit_file(found: QuerySet[AuditEntry]) -> Iterator[str]:
    """A line for each entry, oldest first; an entry that changed several things has a line for each of them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([str(head) for head in HEADS])
    for entry in found.order_by("pk").select_related("workflow", "user").iterator(AT_A_TIME):
        facts = [
            entry.at.isoformat(), who_of(entry), entry.workflow_id, entry.workflow.name, action_of(entry),
            " ".join(sentences_of(entry.detail)),
        ]  # fmt: skip
        for change in changes_of(entry) or [("", "", "")]:
            writer.writerow([safe(cell) for cell in (*facts, *change)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
