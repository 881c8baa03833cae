"""Shared documents: handed to who has filled in the form. A file is no page: it counts in no page views (TRG-14)."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.http import FileResponse, Http404, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from crm.models import Form

#: What browsers are told every document is: they save it and never run it.
SAVED = "application/octet-stream"


def attachment(form: Form) -> HttpResponseBase:
    """The file, to be saved; or the way to where the document is."""
    if form.document:
        try:
            opened = form.document.open("rb")
        except FileNotFoundError:
            raise Http404(_("The document is not there any more.")) from None
        return FileResponse(opened, as_attachment=True, filename=name_of(form), content_type=SAVED)
    if form.document_url:
        return HttpResponseRedirect(form.document_url)
    raise Http404(_("The document is not there any more."))


def name_of(form: Form) -> str:
    """The file's name as visitors see it."""
    return PurePosixPath(str(form.document.name)).name


def has_document(form: Form) -> bool:
    return bool(form.document or form.document_url)
