"""Pages of what is held by its internal name: that is made from the name, and then it stays."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class LastingSlugAdmin(admin.ModelAdmin):
    """The internal name is suggested while something is added, and can be read only from then on."""

    prepopulated_fields = {"slug": ("name",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)
