"""Users and their teams from a file: one row per person, the team named by its manager."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.models import Team, TeamMembership, User
from records.importing.reading import Table
from records.problems import DocumentError, Problem


@dataclass
class UsersImported:
    """How many users were created, how many moved to another team, and how many teams were created."""

    rows: int = 0
    created: int = 0
    moved: int = 0
    unchanged: int = 0
    teams: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)


def import_users(table: Table, *, name: str, team: str | None = None, region: str | None = None) -> UsersImported:
    """Create the users and teams that are missing; people are found by full name or username.

    New users have no password: an administrator gives them one. Raises DocumentError for columns the file lacks.
    """
    for column in (name, team, region):
        if column and column not in table.headers:
            message = _("The file has no column “%(column)s”. Its columns are: %(known)s.")
            facts = {"column": column, "known": ", ".join(table.headers)}
            raise DocumentError([Problem("columns", message % facts, column)])
    counts = UsersImported()
    with transaction.atomic():
        people = {text.casefold(): user for user in User.objects.all() for text in (user.username, str(user))}
        teams = {one.name.casefold(): one for one in Team.objects.all()}
        mains = dict(TeamMembership.objects.filter(main=True).values_list("user_id", "team_id"))
        for line in table.lines:
            person = line.cells[name]
            if not person:
                continue
            counts.rows += 1
            user = people.get(person.casefold())
            created = user is None
            if user is None:
                user = people[person.casefold()] = create_user(person)
            moved = False
            if team and line.cells[team]:
                found = team_of(line.cells[team], line.cells[region] if region else "", teams, counts)
                moved = mains.get(user.pk) != found.pk
                if moved:
                    TeamMembership.objects.filter(user=user, main=True).delete()
                    TeamMembership.objects.update_or_create(team=found, user=user, defaults={"main": True})
                    mains[user.pk] = found.pk
            counts.created += created
            counts.moved += moved and not created
            counts.unchanged += not created and not moved
    return counts


def create_user(full_name: str) -> User:
    """A user without a password, whose username is made from the name."""
    first, _space, last = full_name.partition(" ")
    base = ".".join(filter(None, (slugify(part) for part in full_name.split()))) or "user"
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    username, again = base, 2
    while username in taken:
        username, again = f"{base}.{again}", again + 1
    user = User(username=username, first_name=first, last_name=last, is_staff=True)
    user.set_unusable_password()
    user.save()
    return user


def team_of(manager: str, region: str, teams: dict[str, Team], counts: UsersImported) -> Team:
    """The team a manager leads, called by the manager's name."""
    found = teams.get(manager.casefold())
    if found is None:
        slug = slugify(manager) or f"team-{len(teams) + 1}"
        found = teams[manager.casefold()] = Team.objects.create(
            name=manager, slug=slug, manager=manager, region=region
        )
        counts.teams += 1
    return found
