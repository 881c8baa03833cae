"""Pages of what records hold by its internal name: it stays as long as any do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from workflows.dependencies import using


class KeptInUseAdmin(admin.ModelAdmin):
    """What is in use cannot be deleted, and its form says why there is no button for it."""

    #: Which kind of thing it is to workflows (workflows.dependencies); "" for what they do not name.
    thing = ""

    def why_kept(self, obj: Any) -> str:
        """Why it cannot be deleted, as a sentence; "" where it can."""
        return ""

    def keys_of(self, obj: Any) -> list[str]:
        """The keys by which workflows name it, or a part of it."""
        return [obj.slug]

    def reason(self, request: HttpRequest, obj: Any) -> str:
        """Why it cannot be deleted, also because workflows name it; "" where it can."""
        reason = self.why_kept(obj)
        if reason or not self.thing:
            return reason
        return using.why_kept(self.thing, self.keys_of(obj), request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not self.reason(request, obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        ((name, facts),) = super().get_fieldsets(request, obj)
        reason = self.reason(request, obj) if obj else ""
        return [(name, facts | {"description": reason} if reason else facts)]
