"""`{% load icons %}{% icon "user" %}`."""

from django import template

from records import icons

register = template.Library()
register.simple_tag(icons.icon, name="icon")
