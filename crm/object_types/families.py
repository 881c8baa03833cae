"""Which kinds of records belong together, beyond those of the CRM at large."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from records.categories import Category, categories

ACTIVITIES = Category("activities", _("Activities"), _("Activities cannot enroll again."))
LINE_ITEMS = Category("line_items", _("Line items"), _("Line items cannot enroll again."))
COMMERCE = Category("commerce", _("Commerce"))
#: Why a filter on a contact's answer about cookies never enrolls again (REN-05).
PRIVACY_CONSENT = _("Privacy consent cannot enroll again.")
FEEDBACK = Category("feedback", _("Feedback"))


def register_families() -> None:
    """Called once, before the object types."""
    for family in (ACTIVITIES, LINE_ITEMS, COMMERCE, FEEDBACK):
        categories.register(family)
