"""A page with two criteria builders, inside the real skin, for the tests of the builder alone."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from config.urls import urlpatterns as site
from records.criteria.widget import CriteriaField
from records.object_types import object_types

PAGE = """
{% extends "admin/base_site.html" %}
{% block extrahead %}{{ block.super }}{{ form.media }}{% endblock %}
{% block content %}<h1>Criteria</h1>
<form method="post">{% csrf_token %}
{{ form.first }}{{ form.second }}
<button class="btn btn-primary">Save</button></form>
<pre id="saved">{{ saved }}</pre>{% endblock %}
"""


class TwoBuilders(forms.Form):
    first = CriteriaField(required=False, object_type=object_types["deal"])
    second = CriteriaField(required=False, object_type=object_types["contact"])


def page(request: HttpRequest) -> HttpResponse:
    form = TwoBuilders(request.POST or None)
    saved = form.cleaned_data["first"] if form.is_bound and form.is_valid() else ""
    context = {**admin.site.each_context(request), "form": form, "saved": saved, "title": "Criteria"}
    return HttpResponse(Template(PAGE).render(RequestContext(request, context)))


urlpatterns = [path("builder/", page), *site]
