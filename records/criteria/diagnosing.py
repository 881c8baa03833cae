"""Why nothing matches: which filter excludes every record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError
from django.db.models import Count
from django.utils.translation import gettext as _

from records.criteria.counting import CANCELED, QUICK_MS, tuned
from records.criteria.tree import Leaf

if TYPE_CHECKING:
    from records.criteria.compiling import Compiled

#: Filters looked at; more would make one very long statement.
FILTERS = 20


def why_none(compiled: Compiled) -> str:
    """One sentence on why no record matches; "" when that cannot be found out within a moment."""
    leaves = compiled.leaves[:FILTERS]
    counts = {f"leaf_{i}": Count("pk", filter=leaf.q) for i, leaf in enumerate(leaves)}
    try:
        with tuned(QUICK_MS):
            found = compiled.object_type.records().order_by().aggregate(everything=Count("pk"), **counts)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return ""
    plural = compiled.object_type.label_plural
    if not found["everything"]:
        return _("There are no %(records)s yet.") % {"records": plural}
    empty: list[Leaf] = []
    for i, leaf in enumerate(leaves):
        inside = any(leaf.path.startswith(f"{outer.path}.") for outer in empty)
        if not found[f"leaf_{i}"] and not inside:
            empty.append(leaf)
    if len(empty) == 1:
        return _("The rule “%(filter)s” excludes all.") % {"filter": empty[0].sentence}
    if empty:
        listed = _(", ").join(_("“%(filter)s”") % {"filter": leaf.sentence} for leaf in empty)
        return _("No %(records)s meet these rules: %(filters)s.") % {"records": plural, "filters": listed}
    return _("Each rule matches some %(records)s, but none meet them together.") % {"records": plural}
