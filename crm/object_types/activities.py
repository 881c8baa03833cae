"""Activities: what people did, or have to do, about records (FLT-05 to FLT-12)."""

from __future__ import annotations

from collections.abc import Iterable

from crm.models import Call, Conversation, Email, Inbox, Meeting, Note, Task, TaskQueue, TrackedTerm
from crm.object_types.columns import columns
from crm.object_types.families import ACTIVITIES
from crm.object_types.links import links
from records.object_types import register
from records.properties import Option
from records.vocabulary import ListedIn


def terms() -> Iterable[Option]:
    return [Option(slug, name) for slug, name in TrackedTerm.objects.values_list("slug", "name")]


def queues() -> Iterable[Option]:
    return [Option(slug, name) for slug, name in TaskQueue.objects.values_list("slug", "name")]


def inboxes() -> Iterable[Option]:
    return [Option(slug, name) for slug, name in Inbox.objects.values_list("slug", "name")]


def register_activities() -> None:
    register(
        Task, plural="tasks", icon="check-square", name_property="title", associates_with=links("task"),
        category=ACTIVITIES.slug,
        declared=columns(Task, queue={"type": "select", "options_source": ListedIn(queues, TaskQueue)}),
    )  # fmt: skip
    register(
        Note, plural="notes", icon="sticky-note", name_property="body", associates_with=links("note"),
        category=ACTIVITIES.slug, declared=columns(Note),
    )  # fmt: skip
    register(
        Conversation, plural="conversations", icon="message", name_property="subject",
        associates_with=links("conversation"), category=ACTIVITIES.slug, workflows_write=("contact",),
        declared=columns(Conversation, inbox={"type": "select", "options_source": ListedIn(inboxes, Inbox)}),
    )  # fmt: skip
    register(
        Meeting, plural="meetings", icon="calendar", name_property="title", associates_with=links("meeting"),
        category=ACTIVITIES.slug, declared=columns(Meeting),
    )  # fmt: skip
    register(
        Call, plural="calls", icon="phone", name_property="title", associates_with=links("call"),
        category=ACTIVITIES.slug,
        declared=columns(
            Call,
            number={"type": "phone"},
            tracked_terms={"type": "multi_select", "options_source": ListedIn(terms, TrackedTerm)},
        ),
    )  # fmt: skip
    register(
        Email, plural="emails", icon="mail", name_property="subject", associates_with=links("email"),
        category=ACTIVITIES.slug, declared=columns(Email),
    )  # fmt: skip
