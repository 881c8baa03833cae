"""Text messages (EVT-32, EVT-33, EVT-34), marketing events (EVT-38, EVT-39), surveys and documents (EVT-29)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.event_types.base import fact

SMS, GATHERINGS, FEEDBACK, DOCUMENTS = _("Text messages"), _("Marketing events"), _("Feedback"), _("Documents")
MESSAGE = (fact("message", _("Message"), required=True), fact("number", _("Number"), "phone"))
GATHERING = (
    fact("name", _("Marketing event"), required=True), fact("organizer", _("Organizer")),
    fact("starts_at", _("Starts"), "datetime"),
)  # fmt: skip
DOCUMENT = (fact("document", _("Document"), required=True), fact("page", _("Page"), "url"))
TYPES = (
    EventType("sms_sent", _("Text message sent"), SMS, ("contact",), MESSAGE, spec=("EVT-32",)),
    EventType("sms_delivered", _("Text message delivered"), SMS, ("contact",), MESSAGE, spec=("EVT-33",)),
    EventType(
        "sms_clicked", _("Link in a text message clicked"), SMS, ("contact",),
        (*MESSAGE, fact("link", _("Link"), "url")), spec=("EVT-34",),
    ),
    EventType("whatsapp_sent", _("WhatsApp message sent"), SMS, ("contact",), MESSAGE),
    EventType(
        "marketing_event_registered", _("Registered for a marketing event"), GATHERINGS, ("contact",), GATHERING,
        spec=("EVT-38", "FLT-41"),
    ),
    EventType(
        "marketing_event_cancelled", _("Cancelled a marketing event registration"), GATHERINGS, ("contact",),
        GATHERING, spec=("EVT-39",),
    ),
    EventType(
        "marketing_event_attended", _("Attended a marketing event"), GATHERINGS, ("contact",), GATHERING,
        spec=("FLT-41",),
    ),
    EventType(
        "survey_answered", _("Survey answered"), FEEDBACK, ("contact", "ticket"),
        (
            fact("survey", _("Survey"), required=True), fact("question", _("Question")), fact("answer", _("Answer")),
            fact("score", _("Score"), "number"),
        ),
    ),
    EventType("document_viewed", _("Document viewed"), DOCUMENTS, ("contact",), DOCUMENT),
    EventType(
        "document_shared", _("Document shared"), DOCUMENTS, ("contact",), (*DOCUMENT, fact("user", _("By"), "user"))
    ),
)  # fmt: skip

for event_type in TYPES:
    event_types.register(event_type)
