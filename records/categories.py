"""Categories: what kinds of records belong together, so that a person finds the filters on them in one place."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from records.properties import Text
from records.registry import Registry

categories = Registry("category")


@dataclass(frozen=True, eq=False)
class Category:
    """A heading in the criteria builder.

    `never_again` says why filters on its records can never enroll a record again (REN-03, REN-04); "" where they can.
    """

    slug: str
    label: Text
    never_again: Text = ""


RECORDS = Category("records", _("Associated records"))
categories.register(RECORDS)
