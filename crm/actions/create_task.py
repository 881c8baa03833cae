"""Create task: something for a person to do about the record (CRM-13, CRM-14)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.links import linked
from crm.models import Task
from crm.tasks.fields import AssociatedField, QueueField
from crm.tasks.timing import due_at
from records.associations import associate, associate_new, associations_of
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.actions.delay import amount_text
from workflows.engine.writing import insert
from workflows.enrollment.loops import without_made_here
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.duration_field import DurationField
from workflows.step_forms.forms import OWNER, ChoiceField, FlagField, TokenField, UserField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import owners_of
from workflows.step_forms.targets import LIMIT
from workflows.step_forms.targets import linked as linked_with
from workflows.step_forms.time_fields import TimeField
from workflows.texts import tokens
from workflows.times.moments import shown_moment
from workflows.times.wall_time import workflow_zone

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

TITLE_LIMIT = 250


@actions.register
class CreateTask(Action):
    slug = "create_task"
    label = gettext_lazy("Create task")
    description = gettext_lazy("Give somebody something to do about the record.")
    group = gettext_lazy("Tasks and notes")
    icon = "check-square"

    class Params(ParamsForm):
        title = TokenField(label=gettext_lazy("Title"), max_length=TITLE_LIMIT)
        kind = ChoiceField(label=gettext_lazy("Type"), required=False, choices=[("", "—"), *Task.Kind.choices])
        priority = ChoiceField(
            label=gettext_lazy("Priority"), required=False, choices=[("", "—"), *Task.Priority.choices]
        )
        queue = QueueField(label=gettext_lazy("Queue"), required=False)
        assignee = UserField(
            label=gettext_lazy("Assignee"),
            required=False,
            help_text=gettext_lazy("Leave it out for a task nobody owns yet."),
        )
        due = DurationField(
            label=gettext_lazy("Due after"),
            required=False,
            help_text=gettext_lazy("Counted from when the step runs. Leave it out for a task without a due date."),
        )
        at = TimeField(
            label=gettext_lazy("Due at this time of day"),
            required=False,
            help_text=gettext_lazy("On the clocks of the workflow’s time zone."),
        )
        workdays = FlagField(label=gettext_lazy("Count Mondays to Fridays only"))
        reminder = DurationField(
            label=gettext_lazy("Remind the assignee so long before"),
            required=False,
            help_text=gettext_lazy("0 minutes: when the task is due. Leave it out for no reminder."),
        )
        associate = AssociatedField(label=gettext_lazy("Associate it also with"), required=False)
        body = TokenField(label=gettext_lazy("Notes"), required=False, lines=4)

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            for name in ("at", "workdays", "reminder"):
                if cleaned.get(name) and not cleaned.get("due"):
                    self.add_error(name, _("The task has no due date. Give “due”, or leave this out."))
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "add", object_types["task"])]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        title = document.get("title")
        if not title:
            return _("Create a task: write a title")
        due = document.get("due")
        amount = amount_text(due) if isinstance(due, dict) else ""
        facts = {"title": title, "assignee": assignee_text(document.get("assignee")), "due": amount}
        if amount:
            return _("Create task “%(title)s” for %(assignee)s, due after %(due)s") % facts
        return _("Create task “%(title)s” for %(assignee)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        texts = [tokens.reads(document.get(name), context.object_type) for name in ("title", "body")]
        owner = {f"{context.object_type.slug}.{OWNER}"} if document.get("assignee") == OWNER else set()
        return owner.union(*texts)

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"task": Property("task", gettext_lazy("Id of the created task"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """A workflow for tasks makes none for those it has made itself (ACG-14)."""
        part = without_made_here(batch) if batch.object_type is object_types["task"] else batch
        self.create(part, params)
        if part is not batch:
            batch.absorb(part)

    def create(self, batch: Batch, params: dict[str, Any]) -> None:
        """One INSERT for all tasks, one for each kind of their associations."""
        titles, bodies = batch.render(params["title"], "line"), batch.render(params["body"] or "")
        due, remind_at = times_of(batch, params)
        assignees = assignees_of(batch, params["assignee"])
        shared: dict[str, Any] = {
            "kind": params["kind"] or Task.Kind.TODO,
            "priority": params["priority"] or Task.Priority.NONE,
            "queue": params["queue"] or "",
            "due_at": due,
            "remind_at": remind_at,
            "created_at": batch.now,
            "updated_at": batch.now,
            "custom": {},
        }
        own: dict[str, list[Any]] = {
            "title": [titles[pk][:TITLE_LIMIT] or str(self.label) for pk in batch.ids],
            "body": [bodies[pk] for pk in batch.ids],
            "owner_id": [assignees.get(pk) for pk in batch.ids],
        }
        tasks = insert(Task, len(batch.ids), shared, own)
        associate_tasks(batch, tasks, params["associate"])
        facts = {"due": due.isoformat() if due else None}
        if remind_at:
            facts["remind"] = remind_at.isoformat()
        for enrollment, task, title, owner in zip(
            batch.enrollments, tasks, own["title"], own["owner_id"], strict=True
        ):
            batch.note(enrollment, task=task, title=title, owner=owner, **facts)
            batch.output(enrollment, task=task)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        title = linked(object_types["task"], detail.get("task"), str(detail.get("title", "")))
        owner = user_name(detail.get("owner"))
        if not owner:
            sentence = _("Created the task “{title}” for nobody yet")
        elif detail.get("remind"):
            sentence = _("Created the task “{title}” for {owner}, due {due}, with a reminder on {remind}")
        elif detail.get("due"):
            sentence = _("Created the task “{title}” for {owner}, due {due}")
        else:
            sentence = _("Created the task “{title}” for {owner}")
        times = {name: shown_moment(detail.get(name)) for name in ("due", "remind")}
        return format_html(sentence, title=title, owner=owner, **times)


def assignees_of(batch: Batch, assignee: str) -> dict[int, int]:
    """By record id the id of the user who gets the task: each record's own owner, or one user for all."""
    if assignee == OWNER:
        return {pk: user.pk for pk, user in owners_of(batch).items()}
    user = get_user_model()._default_manager.filter(username=assignee).first() if assignee else None
    return dict.fromkeys(batch.ids, user.pk) if user else {}


def assignee_text(assignee: Any) -> str:
    if assignee == OWNER:
        return _("the record’s owner")
    return str(assignee) if assignee else _("nobody yet")


def user_name(pk: Any) -> str:
    """A user's name for the history; also of one who is gone."""
    if pk is None:
        return ""
    user = get_user_model()._default_manager.filter(pk=pk).first()
    return str(user) if user else _("a deleted user")


def times_of(batch: Batch, params: dict[str, Any]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """When the tasks are due, and when their owners are reminded."""
    if not params["due"]:
        return None, None
    zone = workflow_zone(batch.definition.settings)
    due = due_at(batch.now, params["due"], params["at"], workdays=bool(params["workdays"]), zone=zone)
    return due, due - dt.timedelta(**params["reminder"]) if params["reminder"] else None


def associate_tasks(batch: Batch, tasks: list[int], also: list[str]) -> None:
    """Link each task with its record, and with the records of some kinds that are associated with that one."""
    own, task_type = batch.object_type, object_types["task"]
    if "task" in associations_of(own):
        associate_new(own, task_type, zip(batch.ids, tasks, strict=True))
    for slug in also:
        association = associations_of(own)[slug]
        found = linked_with(own, association, batch.ids, None)
        pairs = [
            (other, task)
            for pk, task in zip(batch.ids, tasks, strict=True)
            for other in sorted(found.get(pk, ()))[:LIMIT]
        ]
        associate(association.to, task_type, pairs)
