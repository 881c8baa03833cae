"""The address webhooks are sent to; mounted by the project outside the admin and the API."""

from __future__ import annotations

from django.urls import re_path

from workflows.webhooks.views import receive_view

urlpatterns = [re_path(r"^(?P<token>[^/]{1,200})/?$", receive_view, name="webhook")]
