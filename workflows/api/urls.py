"""Addresses of the workflows API; mounted by the project under /api/v1/."""

from __future__ import annotations

from typing import Any

urlpatterns: list[Any] = []
