"""The addresses websites and mails know."""

from __future__ import annotations

from django.urls import path

from crm.tracking import mail_views, preference_views, views

app_name = "tracking"
urlpatterns = [
    path("tracking/collect/", views.collect, name="collect"),
    path("tracking/pixel.gif", views.pixel, name="pixel"),
    path("t/<str:token>.gif", views.opened, name="opened"),
    path("t/<str:token>/", views.follow, name="follow"),
    path("preferences/<str:token>/", preference_views.preferences, name="preferences"),
    path("anymail/<path:path>", mail_views.mail_events, name="mail_events"),
]
