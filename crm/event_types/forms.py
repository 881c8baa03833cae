"""Forms: submitted, seen, touched (EVT-03, EVT-04, EVT-05)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from crm.models import Form
from records.event_types import EventType, event_types
from records.event_types.base import fact
from records.properties import Option
from records.vocabulary import ListedIn

CATEGORY = _("Forms")


def fetch_forms() -> Iterable[Option]:
    return [Option(slug, name) for slug, name in Form.objects.values_list("slug", "name")]


#: Every form by its name here; events of forms elsewhere come with whatever these are called.
forms_here = ListedIn(fetch_forms, Form)
FORM = (
    fact("form", _("Form"), "select", options_source=forms_here, open=True, required=True),
    # Not of the type of web addresses, which knows no hosts of intranets.
    fact("page", _("Page")),
)

#: Who may see forms is offered what happens to them (TRG-12).
SEEN_BY = "crm.view_form"

event_types.register(
    EventType(
        "form_submitted", _("Form submitted"), CATEGORY, ("contact",),
        (*FORM, fact("fields", _("Answers"), "multi_line")),
        _("The contact has filled in a form, or left an email address to see a shared document."),
        permission=SEEN_BY, spec=("EVT-03", "FLT-25"), quoting=("fields",),
    )
)  # fmt: skip
event_types.register(
    EventType(
        "form_viewed", _("Form seen"), CATEGORY, ("contact",), FORM, permission=SEEN_BY, spec=("EVT-04",),
    )
)  # fmt: skip
event_types.register(
    EventType(
        "form_interacted", _("Form touched"), CATEGORY, ("contact",), (*FORM, fact("field", _("Field"))),
        permission=SEEN_BY, spec=("EVT-05",),
    )
)  # fmt: skip
