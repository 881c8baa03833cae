"""What the criteria builder and choosers of users ask for; staff only."""

from __future__ import annotations

from django.urls import path

from records.criteria import views

app_name = "records"
urlpatterns = [
    path("people/", views.people_view, name="people"),
    path("<str:object_type>/catalog/", views.catalog_view, name="criteria-catalog"),
    path("<str:object_type>/matches/", views.count_view, name="criteria-count"),
]
