"""Where the apps' URLs are put together."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from workflows.api.metrics import metrics

urlpatterns = [
    path("api/v1/", include("config.api")),
    path("hooks/", include("workflows.webhooks.urls")),
    path("forms/", include("crm.forms.urls")),
    path("surveys/", include("crm.surveys.urls")),
    path("metrics", metrics, name="metrics"),
    path("admin/criteria/", include("records.urls")),
    path("admin/", admin.site.urls),
    path("", include("crm.tracking.urls")),
]
