"""What one copies into another website to show a form there."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.forms import receiving
from crm.forms.answering import AnswerForm
from crm.forms.pages import PAGE_FIELD
from crm.models import Form

#: What one field adds to the height of a frame, and the frame to none.
FIELD_HEIGHT, FRAME_HEIGHT = 92, 220


def iframe_code(form: Form, link: str) -> SafeString:
    """A frame; it lets the form know on which page it stands."""
    height = FRAME_HEIGHT + FIELD_HEIGHT * len(AnswerForm(form).fields)
    return format_html(
        '<iframe src="{}?embed=1" title="{}" width="100%" height="{}" '
        'referrerpolicy="no-referrer-when-downgrade"></iframe>',
        link,
        form.title or form.name,
        height,
    )


def html_code(form: Form, link: str) -> str:
    """A plain form, to be styled by the website it stands in; "" where the form has to know when it was drawn."""
    if form.minimum_seconds:
        return ""
    answers = AnswerForm(form)
    for field in answers.fields.values():
        field.widget.attrs.pop("aria-describedby", None)
    facts = {"form": form, "answers": answers, "link": link, "page_field": PAGE_FIELD, "honeypot": receiving.HONEYPOT}
    return render_to_string("forms/embed.html", facts).strip()
