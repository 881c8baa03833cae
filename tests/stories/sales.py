"""The public sample of sales opportunities, and what an independent reading of its files counts."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "crm-sales-opportunities"
PIPELINE, ACCOUNTS, TEAMS = (SAMPLE / name for name in ("sales_pipeline.csv", "accounts.csv", "sales_teams.csv"))


def opportunities() -> list[dict[str, str]]:
    with PIPELINE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def engaging() -> list[dict[str, str]]:
    return [row for row in opportunities() if row["deal_stage"] == "Engaging"]


def engaging_by_agent() -> Counter[str]:
    return Counter(row["sales_agent"] for row in engaging())
