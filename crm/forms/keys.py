"""What pages carry signed: when a form was drawn, and which submission may see its thank-you page."""

from __future__ import annotations

import datetime as dt

from django.core import signing

from crm.models import Form, FormSubmission
from records.ids import id_of

#: How long a link to a document works.
DOCUMENT_DAYS = 30
DRAWN = signing.Signer(salt="crm.forms.drawn")
SENT = signing.TimestampSigner(salt="crm.forms.sent")


def drawn_at(form: Form, now: dt.datetime) -> str:
    return DRAWN.sign(f"{form.pk}.{int(now.timestamp())}")


def seconds_since(form: Form, stamp: object, now: dt.datetime) -> float | None:
    """How long ago the form was drawn; None when the stamp is not ours, or of another form."""
    try:
        pk, _dot, moment = DRAWN.unsign(str(stamp)).partition(".")
        return now.timestamp() - int(moment) if pk == str(form.pk) else None
    except (signing.BadSignature, ValueError):
        return None


def key_of(submission: FormSubmission) -> str:
    """Who has it may see the thank-you page of the submission, and its document."""
    return SENT.sign(f"{submission.form_id}.{submission.pk}")


def submission_of(form: Form, key: object) -> FormSubmission | None:
    """The submission a key is for; None when it is none, too old, or of another form."""
    try:
        text = SENT.unsign(str(key), max_age=dt.timedelta(days=DOCUMENT_DAYS))
    except signing.BadSignature:
        return None
    form_id, _dot, pk = text.partition(".")
    return FormSubmission.objects.filter(form=form, pk=id_of(pk) or 0).first() if form_id == str(form.pk) else None
