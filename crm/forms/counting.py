"""How often forms are seen, sent and refused: one row for each form and day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import Sum

from crm.models import FormDay

SEEN, SENT, REFUSED = "views", "submissions", "rejections"
COUNT = """
    INSERT INTO {table} AS t (form_id, day, {column}) VALUES (%s, %s, 1)
    ON CONFLICT (form_id, day) DO UPDATE SET {column} = t.{column} + 1
"""


@dataclass(frozen=True)
class Figures:
    """What has become of a form so far."""

    views: int = 0
    submissions: int = 0
    rejections: int = 0

    @property
    def conversion(self) -> float | None:
        """The part of views that became submissions, up to 1; None before anybody has seen it."""
        return min(self.submissions / self.views, 1.0) if self.views else None


def count(form_id: int, what: str, now: dt.datetime) -> None:
    """Count one view (SEEN), submission (SENT) or refused submission (REFUSED)."""
    assert what in (SEEN, SENT, REFUSED), what
    sql = COUNT.format(table=connection.ops.quote_name(FormDay._meta.db_table), column=what)
    with connection.cursor() as cursor:
        cursor.execute(sql, [form_id, now.astimezone(dt.UTC).date()])


def figures(form_ids: list[int]) -> dict[int, Figures]:
    """The figures of some forms, all days together."""
    rows = FormDay.objects.filter(form__in=form_ids).values("form_id").order_by()
    sums = rows.annotate(v=Sum("views"), s=Sum("submissions"), r=Sum("rejections"))
    found = {row["form_id"]: Figures(row["v"], row["s"], row["r"]) for row in sums}
    return {pk: found.get(pk, Figures()) for pk in form_ids}
