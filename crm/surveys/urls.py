"""Addresses of surveys; their tokens are all that is needed to answer them."""

from __future__ import annotations

from django.urls import path

from crm.surveys import views

app_name = "surveys"
urlpatterns = [
    path("<str:token>/", views.survey_view, name="survey"),
    path("<str:token>/sent/", views.sent_view, name="sent"),
]
