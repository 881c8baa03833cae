"""`{% load moments %}{{ line.at|moment }}`: instants on a page, all written alike (see records.moments).

The filters give a `<time>` with the whole instant and its zone as its title, and take the classes it is to have. Those
called `…_text` give the text alone, for sentences and options. What is empty stays so.
"""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils.safestring import SafeString

from records import moments

register = template.Library()


@register.filter
def moment(at: dt.datetime | None, classes: str = "") -> SafeString | str:
    return moments.timed(at, moments.moment(at), classes) if at else ""


@register.filter
def second(at: dt.datetime | None, classes: str = "") -> SafeString | str:
    return moments.timed(at, moments.moment_to_the_second(at), classes) if at else ""


@register.filter
def day(at: dt.datetime | None, classes: str = "") -> SafeString | str:
    return moments.timed(at, moments.day(at), classes) if at else ""


@register.filter
def ago(at: dt.datetime | None, classes: str = "") -> SafeString | str:
    return moments.timed(at, moments.ago(at), classes) if at else ""


@register.filter
def moment_text(at: dt.datetime | None) -> str:
    return moments.moment(at) if at else ""


@register.filter
def second_text(at: dt.datetime | None) -> str:
    return moments.moment_to_the_second(at) if at else ""


@register.filter
def in_full(at: dt.datetime | None) -> str:
    return moments.in_full(at) if at else ""


register.simple_tag(moments.zone_name)
