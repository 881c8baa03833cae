"""Create task: something for a person to do about the record (CRM-13, CRM-14)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.links import linked
from crm.models import Task
from records.associations import associate_new, associations_of
from records.object_types import object_types
from workflows.actions.base import Action
from workflows.actions.delay import amount_text
from workflows.engine.writing import insert
from workflows.enrollment.loops import without_made_here
from workflows.registries import actions
from workflows.step_forms.duration_field import DurationField
from workflows.step_forms.forms import OWNER, ChoiceField, TokenField, UserField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import owners_of
from workflows.texts import tokens

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
        due = DurationField(
            label=gettext_lazy("Due after"),
            required=False,
            help_text=gettext_lazy("Counted from when the step runs. Leave it out for a task without a due date."),
        )
        assignee = UserField(
            label=gettext_lazy("Assignee"),
            required=False,
            help_text=gettext_lazy("Leave it out for a task nobody owns yet."),
        )
        kind = ChoiceField(label=gettext_lazy("Type"), required=False, choices=[("", "—"), *Task.Kind.choices])
        priority = ChoiceField(
            label=gettext_lazy("Priority"), required=False, choices=[("", "—"), *Task.Priority.choices]
        )
        body = TokenField(label=gettext_lazy("Notes"), required=False, lines=4)

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

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """A workflow for tasks makes none for those it has made itself (ACG-14)."""
        part = without_made_here(batch) if batch.object_type is object_types["task"] else batch
        self.create(part, params)
        if part is not batch:
            batch.absorb(part)

    def create(self, batch: Batch, params: dict[str, Any]) -> None:
        """One INSERT for all tasks, one for their associations."""
        titles, bodies = batch.render(params["title"], "line"), batch.render(params["body"] or "")
        due_at = batch.now + dt.timedelta(**params["due"]) if params["due"] else None
        assignees = assignees_of(batch, params["assignee"])
        shared: dict[str, Any] = {
            "kind": params["kind"] or Task.Kind.TODO,
            "priority": params["priority"] or Task.Priority.NONE,
            "due_at": due_at,
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
        if "task" in associations_of(batch.object_type):
            associate_new(batch.object_type, object_types["task"], zip(batch.ids, tasks, strict=True))
        due = due_at.isoformat() if due_at else None
        for enrollment, task, title, owner in zip(
            batch.enrollments, tasks, own["title"], own["owner_id"], strict=True
        ):
            batch.note(enrollment, task=task, title=title, owner=owner, due=due)
            batch.output(enrollment, task=task)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        title = linked(object_types["task"], detail.get("task"), str(detail.get("title", "")))
        owner = user_name(detail.get("owner"))
        if not owner:
            sentence = _("Created the task “{title}” for nobody yet")
        elif detail.get("due"):
            sentence = _("Created the task “{title}” for {owner}, due {due}")
        else:
            sentence = _("Created the task “{title}” for {owner}")
        return format_html(sentence, title=title, owner=owner, due=moment_text(detail.get("due")))


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


def moment_text(moment: Any) -> str:
    return date_format(localtime(dt.datetime.fromisoformat(moment)), "DATETIME_FORMAT") if moment else ""
