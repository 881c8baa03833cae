"""What PostgreSQL has looked at to answer a statement, as EXPLAIN ANALYZE counts it: the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def looked_at(plan: dict[str, Any], table: str | None = None) -> int:
    """How many rows the nodes of a plan have handled, thrown away ones included; of `table` only, if one is named."""
    own = 0
    if table in {None, plan.get("Relation Name")}:
        removed = sum(count for name, count in plan.items() if name.startswith("Rows Removed by"))
        own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return int(own) + sum(looked_at(child, table) for child in plan.get("Plans", ()))


def keeping(plans: list[dict[str, Any]], *beginnings: str) -> Callable[..., Any]:
    """An execute wrapper that keeps the plans of the statements that begin so; each is tried first."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and sql.lstrip().startswith(beginnings or STATEMENTS):
            tried = transaction.savepoint()
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, params)
                plans.append(cursor.fetchone()[0][0]["Plan"])
            transaction.savepoint_rollback(tried)
        return execute(sql, params, many, context)

    return wrapper
