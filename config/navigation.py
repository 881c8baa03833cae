"""The sidebar: which pages a person may open, grouped by what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models.functions import Now
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import object_types
from workflows.enrollment import reviving
from workflows.history import issues
from workflows.outbox import resending

RECORDS = ("crm.contact", "crm.company", "crm.lead", "crm.deal", "crm.ticket", "crm.project")
ACTIVITIES = (
    "crm.conversation", "crm.task", "crm.meeting", "crm.call", "crm.email", "crm.note", "crm.feedbacksubmission",
    "crm.sequence", "crm.sequenceenrollment",
)  # fmt: skip
COMMERCE = (
    "crm.lineitem", "crm.quote", "crm.recurringsubscription", "crm.payment", "crm.invoice",
)  # fmt: skip
FORMS = ("crm.form", "crm.formsubmission", "crm.survey")
AUTOMATION = (
    "workflows.workflow", "workflows.enrollment", "workflows.webhook", "workflows.connection", "workflows.aiprovider",
    "workflows.delivery",
    "workflows.notification", "workflows.schedulerun", "workflows.auditentry", "workflows.alert",
)  # fmt: skip
SETTINGS = (
    "crm.campaign", "crm.audience", "crm.emailtemplate", "crm.bouncedaddress", "crm.calltoaction", "crm.user",
    "crm.team", "auth.group", "records.propertyaccess", "crm.pipeline", "crm.taskqueue", "crm.inbox",
    "crm.subscriptiontype",
    "records.propertydefinition", "records.customeventtype", "crm.trackedterm",
)  # fmt: skip
ICONS = {
    "workflows.workflow": "workflow",
    "workflows.enrollment": "history",
    "workflows.delivery": "send",
    "workflows.notification": "bell",
    "workflows.schedulerun": "calendar-clock",
    "workflows.auditentry": "clipboard-check",
    "workflows.alert": "stethoscope",
    "workflows.folder": "folder",
    "workflows.webhook": "webhook",
    "workflows.connection": "plug",
    "workflows.aiprovider": "sparkles",
    "crm.campaign": "target",
    "crm.calltoaction": "sparkles",
    "crm.emailtemplate": "file-text",
    "crm.bouncedaddress": "at-sign",
    "crm.form": "clipboard",
    "crm.formsubmission": "inbox",
    "crm.survey": "star",
    "crm.audience": "users",
    "crm.user": "users",
    "crm.team": "user-check",
    "auth.group": "shield",
    "records.propertyaccess": "eye-off",
    "crm.pipeline": "columns",
    "crm.taskqueue": "check-square",
    "crm.inbox": "inbox",
    "crm.sequence": "send",
    "crm.sequenceenrollment": "history",
    "crm.trackedterm": "search",
    "crm.subscriptiontype": "mail",
    "records.propertydefinition": "tag",
    "records.customeventtype": "zap",
    "records.importrun": "upload",
    "records.recordlist": "list",
    "django_rq.dashboard": "activity",
}

#: The cookie in which a browser remembers which groups somebody has opened ("forms-1") and closed ("records-0").
REMEMBERED = "headrace_navigation"
#: Open until somebody closes them.
OPEN = ("records", "automation")
#: Up to which what needs attention is counted.
COUNTED = 1_000


@dataclass(frozen=True)
class Entry:
    """One page of the sidebar."""

    label: str
    url: str
    icon: str
    current: bool
    #: How much waits there, as text; "" for nothing.
    count: Any = ""


@dataclass(frozen=True)
class Group:
    """The pages under one heading, which folds."""

    key: str
    label: str
    entries: list[Entry]
    open: bool
    #: How much waits in all of it, as text; shown while it is folded.
    count: Any = ""


def folding(text: str) -> dict[str, bool]:
    """Whether each group was opened or closed by hand, as the browser remembers it; rubbish says nothing."""
    parts = (part.rpartition("-") for part in text[:500].split("."))
    return {key: state == "1" for key, _dash, state in parts if key and state in ("0", "1")}


def groups(
    apps: Iterable[dict[str, Any]], path: str, attention: Any = "", folded: Mapping[str, bool] | None = None
) -> list[Group]:
    """The admin's models a person may see, as `AdminSite.get_app_list` gives them, in groups.

    `attention`: how much needs attention, as text, shown beside the page about it. `folded`: see `folding`; the group
    of the page one is on is open in any case.
    A model no group names goes to Records when it is a record, else to Settings.
    """
    pages = {label_of(page): page for app in apps for page in app["models"] if page.get("admin_url")}
    icons = ICONS | {object_type.model._meta.label_lower: object_type.icon for object_type in object_types.values()}
    named = {*RECORDS, *ACTIVITIES, *COMMERCE, *FORMS, *AUTOMATION, *SETTINGS}
    kinds = {object_type.model._meta.label_lower for object_type in object_types.values()}
    kinds |= {"records.recordlist", "records.importrun"}
    more_records = [key for key in pages if key not in named and key in kinds]
    others = [key for key in pages if key not in named and key not in more_records]
    layout = (
        ("records", _("Records"), (*RECORDS, *more_records)),
        ("forms", _("Forms"), FORMS),
        ("activities", _("Activities"), ACTIVITIES),
        ("commerce", _("Commerce"), COMMERCE),
        ("automation", _("Automation"), AUTOMATION),
        ("settings", _("Settings"), (*SETTINGS, *others)),
    )
    found = []
    for name, label, keys in layout:
        entries = [entry(pages[key], icons.get(key, "settings"), path) for key in keys if key in pages]
        own = "workflows.enrollment" in keys and "workflows.enrollment" in pages
        if own:
            entries = with_attention(entries, path, attention)
        if entries:
            is_open = any(one.current for one in entries) or (folded or {}).get(name, name in OPEN)
            found.append(Group(name, label, entries, is_open, attention if own else ""))
    return found


def with_attention(entries: list[Entry], path: str, count: Any) -> list[Entry]:
    """The page about what needs attention, before all that is no workflow; it is one of the enrollments' pages."""
    url = reverse("admin:enrollment_attention")
    own = Entry(_("Needs attention"), url, "alert-triangle", path.startswith(url), count)
    others = [replace(one, current=False) if own.current else one for one in entries]
    return [*others[:1], own, *others[1:]]


def waiting_for_somebody() -> str:
    """How many stopped records and deliveries there are, for the sidebar; "" for none, counting stops at 1,000."""
    count = reviving.stopped()[:COUNTED].count() + resending.stopped()[:COUNTED].count()
    count += issues.open_issues(Now())[:COUNTED].count()
    return "" if not count else f"{count:,}" if count < COUNTED else _("%(count)s+") % {"count": f"{COUNTED - 1:,}"}


def label_of(page: dict[str, Any]) -> str:
    model = page.get("model")
    return model._meta.label_lower if model is not None else page["object_name"].lower()


def entry(page: dict[str, Any], icon: str, path: str) -> Entry:
    named = {"Dashboard": _("Job queues"), "Alert": _("Engine health")}
    label = named.get(page["object_name"]) or capfirst(str(page["name"]))
    return Entry(label, page["admin_url"], icon, path.startswith(page["admin_url"]))
