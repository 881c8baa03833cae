"""The red mark in the list of workflows: steps that fail, which nobody has decided about (HIS-11)."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from workflows.history.issues import open_issues


def issue_count() -> Any:
    """How many open issues a workflow has, as an expression."""
    mine = open_issues(database_now()).filter(workflow=OuterRef("pk")).order_by().values("workflow")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)


def failing_mark(workflow: Any) -> SafeString | str:
    """The mark of a workflow whose row has the count as `failing`; "" where nothing fails."""
    count = getattr(workflow, "failing", 0)
    if not count:
        return ""
    url = f"{reverse('admin:enrollment_attention')}?workflow={workflow.pk}"
    label = ngettext("%(count)d issue", "%(count)d issues", count) % {"count": count}
    title = _("Steps of it fail: look what, and decide.")
    return format_html('<a class="chip chip-danger" href="{}" title="{}">{}</a>', url, title, label)
