"""Teams as workflows notify them: their main members are told (COM-08)."""

from __future__ import annotations

from collections.abc import Collection

from crm.models import TeamMembership
from crm.team_fields import team_choices
from workflows.health.teams import Directory, directories


def main_members(slugs: Collection[str]) -> list[int]:
    rows = TeamMembership.objects.filter(team__slug__in=slugs, main=True)
    return list(rows.values_list("user_id", flat=True))


def register_teams() -> None:
    directories.append(Directory(team_choices, main_members))
