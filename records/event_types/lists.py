"""A record joins a list or leaves it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.event_types.base import fact

CATEGORY = _("Lists")
LIST = (fact("list", _("List"), required=True),)

event_types.register(
    EventType("list_joined", _("Joined a list"), CATEGORY, properties=LIST, told=False, counted=False, ingested=False)
)
event_types.register(
    EventType("list_left", _("Left a list"), CATEGORY, properties=LIST, told=False, counted=False, ingested=False)
)
