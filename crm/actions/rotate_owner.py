"""Rotate record to owner: records are handed out in turn, within a team or among users (CRM-22 to CRM-24)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.actions.create_task import user_name
from crm.capacity import TICKET, room_for_tickets
from crm.models import Rotation, Team, User
from crm.team_fields import TeamField
from records.problems import Problem
from workflows.actions.base import Action
from workflows.engine.writing import current_values, write
from workflows.registries import actions
from workflows.step_forms.forms import OWNER, FlagField, PropertyField, UsersField
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class RotateOwner(Action):
    slug = "rotate_owner"
    label = gettext_lazy("Rotate record to owner")
    description = gettext_lazy("Hand out records in turn, within a team or among some users.")
    group = gettext_lazy("Records")
    icon = "rotate"
    edits_enrolled = True

    class Params(ParamsForm):
        team = TeamField(
            label=gettext_lazy("Team"), required=False, help_text=gettext_lazy("Its main members take turns.")
        )
        users = UsersField(label=gettext_lazy("or users"), required=False, owner=False)
        property = PropertyField(
            label=gettext_lazy("Property that is set"),
            required=False,
            writable=True,
            types=("user",),
            help_text=gettext_lazy("Left out, it is the owner."),
        )
        keep_existing = FlagField(label=gettext_lazy("Leave records alone that have one already"))

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and bool(cleaned.get("team")) == bool(cleaned.get("users")):
                raise ValidationError(_("Choose either a team or users."))
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        if not document.get("property") and OWNER not in context.properties:
            message = _("%(records)s have no owner, so they cannot be handed out. Remove this step.")
            found.append(Problem("", message % {"records": context.object_type.label_plural}))
        elif not found and not takers(document.get("team") or "", document.get("users") or []):
            message = _("Nobody can take records now: everyone is inactive, away or not a main member.")
            found.append(Problem("team" if document.get("team") else "users", message, severity="warning"))
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        team, users = document.get("team"), document.get("users")
        if team:
            name = Team.objects.filter(slug=team).values_list("name", flat=True).first() or team
            facts = {"people": _("the team %(team)s") % {"team": name}}
        elif users and isinstance(users, list):
            facts = {"people": ", ".join(str(user) for user in users)}
        else:
            return _("Choose a team or users who take turns")
        prop = context.properties.get(slug_in(document))
        if prop is None or prop.slug == OWNER:
            return _("Rotate to an owner among %(people)s") % facts
        return _("Rotate %(property)s among %(people)s") % {**facts, "property": prop.label}

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {f"{context.object_type.slug}.{slug_in(document)}"}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """The turn is read and moved on under a row lock, so that any number of workers hand out evenly."""
        prop = batch.properties[slug_in(params)]
        before = current_values(batch, prop)
        free = [e for e in batch.enrollments if not params["keep_existing"] or before.get(e.record_id) is None]
        owned = {e.id for e in batch.enrollments} - {e.id for e in free}
        batch.skip([e for e in batch.enrollments if e.id in owned], "already_owned")
        if not free:
            return
        users = takers(params["team"], params["users"])
        limited = prop.slug == OWNER and batch.object_type.slug == TICKET
        turns = in_turn(batch.workflow.pk, batch.step.id, users, len(free), room_for_tickets if limited else None)
        batch.fail(free[len(turns) :], "nobody_available")
        given = free[: len(turns)]
        changes = {e.record_id: {prop.slug: user} for e, user in zip(given, turns, strict=True)}
        write(batch.object_type, changes, {prop.slug: prop})
        facts = {} if prop.slug == OWNER else {"property": prop.slug}
        for enrollment in given:
            pk = enrollment.record_id
            batch.note(enrollment, owner=changes[pk][prop.slug], before=before.get(pk), **facts)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        owner, before = user_name(detail.get("owner")), user_name(detail.get("before"))
        if slug := detail.get("property"):
            prop = context.properties.get(str(slug))
            return format_html(_("Set {property} to {owner}"), property=prop.label if prop else str(slug), owner=owner)
        if before and before != owner:
            return format_html(_("Handed the record from {before} to {owner}"), before=before, owner=owner)
        return format_html(_("Handed the record to {owner}"), owner=owner)


def slug_in(document: dict[str, Any]) -> str:
    """The property a document sets: the owner, unless it names another one."""
    slug = document.get("property")
    return slug if isinstance(slug, str) and slug else OWNER


def takers(team: str, usernames: list[str]) -> list[int]:
    """Who can take a record now: active and not away; of a team its main members only."""
    users = User.objects.filter(is_active=True, away=False)
    if team:
        users = users.filter(memberships__team__slug=team, memberships__main=True)
    else:
        users = users.filter(username__in=usernames)
    return list(users.order_by("pk").values_list("pk", flat=True))


def in_turn(
    workflow_id: int,
    step: str,
    users: list[int],
    count: int,
    room_for: Callable[[list[int]], dict[int, int]] | None = None,
) -> list[int]:
    """The next users in line, and the line moved on: nobody gets two more than another, however many ask at once.

    `room_for` tells who can take so many more only. Fewer than asked for when there is nobody left who can.
    """
    if not users:
        return []
    Rotation.objects.bulk_create([Rotation(workflow_id=workflow_id, step=step)], ignore_conflicts=True)
    rotation = Rotation.objects.select_for_update().get(workflow_id=workflow_id, step=step)
    last = rotation.last_id or 0
    line = [user for user in users if user > last] + [user for user in users if user <= last]
    turns = list(itertools.islice(round_and_round(line, room_for(users) if room_for else {}), count))
    if turns:
        rotation.last_id = turns[-1]
        rotation.save(update_fields=["last"])
    return turns


def round_and_round(line: list[int], room: dict[int, int]) -> Iterator[int]:
    """The line again and again, without those who have no room left; ends when nobody has."""
    left = dict(room)
    while line:
        line = [user for user in line if left.get(user, 1) > 0]
        for user in line:
            if user in left:
                left[user] -= 1
            yield user
