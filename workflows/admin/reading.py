"""An admin that only shows what the engine has written, to those who may see the records it is about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from records.object_types import object_types
from records.seeing import may_see
from workflows.models import Workflow


class ReadOnlyAdmin(admin.ModelAdmin):
    """Nothing is added, changed or deleted by hand; whoever may view the model may see it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def refuse_unseen(workflow: Workflow, user: Any) -> None:
    """Raise PermissionDenied where a person may not see the records of a workflow: what steps did tells values."""
    kind = object_types.get(workflow.object_type)
    if kind is not None and not may_see(user, kind):
        message = _("This tells what records hold, and you may not see %(types)s. Ask an administrator.")
        raise PermissionDenied(message % {"types": kind.label_plural})
