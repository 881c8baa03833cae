"""Forms: submitted, seen, touched (EVT-03, EVT-04, EVT-05)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.event_types.base import fact

CATEGORY = _("Forms")
FORM = (fact("form", _("Form"), required=True), fact("page", _("Page"), "url"))

event_types.register(
    EventType(
        "form_submitted", _("Form submitted"), CATEGORY, ("contact",),
        (*FORM, fact("fields", _("Answers"), "multi_line")),
        _("The contact has filled in a form, or left an email address to see a shared document."),
    )
)  # fmt: skip
event_types.register(EventType("form_viewed", _("Form seen"), CATEGORY, ("contact",), FORM))
event_types.register(
    EventType("form_interacted", _("Form touched"), CATEGORY, ("contact",), (*FORM, fact("field", _("Field"))))
)
