"""The page about inboxes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy, ngettext

from crm.admin.kept_in_use import KeptInUseAdmin
from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import Inbox
from records.object_types import object_types


@admin.register(Inbox)
class InboxAdmin(LastingSlugAdmin, KeptInUseAdmin):
    """An inbox with conversations in it stays, and so does its internal name."""

    thing = "inbox"
    list_display = ("name", "slug", "open_conversations")
    search_fields = ("name",)

    def why_kept(self, obj: Any) -> str:
        count = conversations_in(obj).count()
        message = ngettext(
            "%(count)d conversation is in this inbox, so it cannot be deleted.",
            "%(count)d conversations are in this inbox, so it cannot be deleted.",
            count,
        )
        return message % {"count": count} if count else ""

    @admin.display(description=gettext_lazy("open conversations"))
    def open_conversations(self, inbox: Inbox) -> int:
        return conversations_in(inbox).filter(status="open").count()


def conversations_in(inbox: Inbox) -> Any:
    """The living conversations in an inbox."""
    return object_types["conversation"].records().filter(inbox=inbox.slug)
