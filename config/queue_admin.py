"""RQ's own pages, for super admins only: by default they ask for staff, and they can delete jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

View = Callable[..., HttpResponse]


def for_super_admins(view: View) -> View:
    """The view, refused to everybody else."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_active and request.user.is_superuser):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


class SuperAdminOnly(ModelAdmin):
    """Comes before another model admin, all of whose pages it guards."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_urls(self) -> list[URLPattern]:
        patterns = super().get_urls()
        for pattern in patterns:
            pattern.callback = for_super_admins(pattern.callback)
        return patterns


def restricted(admin_class: type[ModelAdmin]) -> type[ModelAdmin]:
    """The same model admin, every page of it for super admins only."""
    return type(admin_class.__name__, (SuperAdminOnly, admin_class), {})
