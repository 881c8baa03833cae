"""Submissions as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator

from django.db.models import F, Func, QuerySet
from django.utils.translation import gettext as _

from crm.forms.asking import askable
from crm.models import FormSubmission
from records.spreadsheets import safe

AT_A_TIME = 500


def submission_file(found: QuerySet[FormSubmission], hidden: Collection[str] = ()) -> Iterator[str]:
    """A line for each submission, oldest first; a column for each property any of them answers, but the hidden."""
    keys = Func(F("values"), function="jsonb_object_keys")
    names = sorted(set(found.order_by().annotate(name=keys).values_list("name", flat=True)) - {*hidden})
    labels = {name: str(prop.label) for name, prop in askable().items()}
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    heads = [_("Sent"), _("Form"), _("Contact"), _("Page"), _("Consents")]
    writer.writerow([*heads, *(f"{labels.get(name, name)} ({name})" for name in names)])
    for one in found.order_by("pk").select_related("form").iterator(AT_A_TIME):
        answers = (one.values.get(name, {}).get("text", "") for name in names)
        consents = "; ".join(one.consents)
        row = [one.submitted_at.isoformat(), one.form.name, one.contact_id, one.page, consents, *answers]
        writer.writerow([safe(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
