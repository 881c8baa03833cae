"""Links in sentences about records, also about records that are gone."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from records.object_types import ObjectType


def url_of(object_type: ObjectType, pk: int) -> str:
    """The record's page in the admin; "" where it has none."""
    meta = object_type.model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def linked(object_type: ObjectType, pk: Any, name: str) -> SafeString:
    """The name as a link to the record's page; only the name when the record does not exist any more."""
    known = isinstance(pk, int) and object_type.records().filter(pk=pk).exists()
    url = url_of(object_type, pk) if known else ""
    return format_html('<a href="{}">{}</a>', url, name) if url else format_html("{}", name)
