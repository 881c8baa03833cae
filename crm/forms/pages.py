"""Where a form stood when somebody saw or sent it, and where who has sent it goes on."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from django.http import HttpRequest
from django.urls import reverse

from crm.models import Form
from crm.tracking.pages import clean_address

#: The field, and the parameter, that says on which page a form stands.
PAGE_FIELD = "page-address"


def page_of(request: HttpRequest, form: Form, sent: object = None) -> str:
    """The address of the page the form stands on.

    The page says so itself (`sent`); else the browser tells from where it comes, which for a form in a frame, or in
    another website's own page, is where it stands. A form that is opened by its link stands on its own page.
    """
    told = clean_address(sent if sent is not None else request.GET.get(PAGE_FIELD))
    if told:
        return told
    own = request.build_absolute_uri(form_path(form))
    came_from = clean_address(request.headers.get("Referer"))
    elsewhere = embedded(request) or request.method == "POST"
    ours = urlsplit(came_from)[:2] == urlsplit(own)[:2] and urlsplit(came_from).path.startswith(form_path(form))
    return came_from if came_from and elsewhere and not ours else own


def embedded(request: HttpRequest) -> bool:
    """Whether the page shows the form in a frame."""
    return "embed" in request.GET


def form_path(form: Form) -> str:
    return reverse("forms:form", args=[form.token])


def onward(request: HttpRequest, form: Form, key: str) -> str:
    """Where who has sent the form goes on: the form's own address, else its thank-you page.

    In a frame always the thank-you page, which has a link: most websites do not let themselves be framed.
    """
    if form.redirect_url and form.kind == Form.Kind.FORM and not embedded(request):
        return form.redirect_url
    frame = "&embed=1" if embedded(request) else ""
    return f"{reverse('forms:sent', args=[form.token])}?key={quote(key)}{frame}"
