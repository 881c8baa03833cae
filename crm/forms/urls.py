"""Addresses of forms; their tokens are all that is needed to see them."""

from __future__ import annotations

from django.urls import path

from crm.forms import views

app_name = "forms"
urlpatterns = [
    path("<str:token>/", views.form_view, name="form"),
    path("<str:token>/sent/", views.sent_view, name="sent"),
    path("<str:token>/touched/", views.touched_view, name="touched"),
    path("<str:token>/document/", views.document_view, name="document"),
]
