"""Adding a note, a task, a call, a meeting or an email to a record, and completing tasks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Call, Email, Meeting, Task
from crm.record_links import may
from records.associations import associations_of
from records.object_types import ObjectType, object_types
from records.people import person_field
from records.problems import DocumentError
from records.property_access import rights_of
from records.saving import Row, save_batch

ROWS = forms.Textarea(attrs={"rows": 3})
WHEN: dict[str, Any] = {"required": False, "widget": forms.DateTimeInput(attrs={"type": "datetime-local"})}


def chosen(label: Any, choices: type[TextChoices]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "—"), *choices.choices], required=False)


class QuickForm(forms.Form):
    """An activity about the record: its object type, and what the button says."""

    kind: str
    does: Any
    done: Any

    @property
    def object_type(self) -> ObjectType:
        return object_types[self.kind]


class NoteForm(QuickForm):
    kind = "note"
    does, done = gettext_lazy("Add note"), gettext_lazy("The note was added.")
    body = forms.CharField(label=gettext_lazy("Note"), widget=ROWS, max_length=65_536)


class TaskForm(QuickForm):
    kind = "task"
    does, done = gettext_lazy("Add task"), gettext_lazy("The task was added.")
    title = forms.CharField(label=gettext_lazy("Task"), max_length=250)
    due_at = forms.DateTimeField(label=gettext_lazy("Due"), **WHEN)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"] = person_field(label=_("Assignee"), required=False)


class CallForm(QuickForm):
    kind = "call"
    does, done = gettext_lazy("Log call"), gettext_lazy("The call was logged.")
    title = forms.CharField(label=gettext_lazy("Call"), max_length=250)
    happened_at = forms.DateTimeField(label=gettext_lazy("Time of the call"), **WHEN)
    direction = chosen(gettext_lazy("Direction"), Call.Direction)
    outcome = chosen(gettext_lazy("Outcome"), Call.Outcome)
    body = forms.CharField(label=gettext_lazy("Notes"), widget=ROWS, max_length=65_536, required=False)


class MeetingForm(QuickForm):
    kind = "meeting"
    does, done = gettext_lazy("Add meeting"), gettext_lazy("The meeting was added.")
    title = forms.CharField(label=gettext_lazy("Meeting"), max_length=250)
    starts_at = forms.DateTimeField(label=gettext_lazy("Start"), **WHEN)
    ends_at = forms.DateTimeField(label=gettext_lazy("End"), **WHEN)
    outcome = chosen(gettext_lazy("Outcome"), Meeting.Outcome)
    location = forms.CharField(label=gettext_lazy("Location"), max_length=250, required=False)


class EmailForm(QuickForm):
    """An email that was sent or received elsewhere; nothing is sent."""

    kind = "email"
    does, done = gettext_lazy("Log email"), gettext_lazy("The email was logged.")
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=250)
    direction = chosen(gettext_lazy("Direction"), Email.Direction)
    sent_at = forms.DateTimeField(label=gettext_lazy("Sent"), **WHEN)
    body = forms.CharField(label=gettext_lazy("Body"), widget=ROWS, max_length=65_536, required=False)


FORMS: dict[str, type[QuickForm]] = {
    form.kind: form for form in (NoteForm, TaskForm, CallForm, MeetingForm, EmailForm)
}


def quick_forms(object_type: ObjectType, user: Any) -> list[QuickForm]:
    """Empty forms for what the person may add to records of a type."""
    known = associations_of(object_type)
    return [
        form(auto_id=f"quick_{kind}_%s", initial={"owner": user.pk})
        for kind, form in FORMS.items()
        if kind in known and may(user, "add", object_types[kind])
    ]


def add(form: QuickForm, object_type: ObjectType, record_id: int, request: HttpRequest) -> bool:
    """Create the activity and associate it with the record; messages say what happened."""
    activity = form.object_type
    if form.kind not in associations_of(object_type) or not may(request.user, "add", activity):
        messages.error(request, _("You may not add this. Ask an administrator for the permission."))
        return False
    if not form.is_valid():
        for name, errors in form.errors.items():
            label = form.fields[name].label if name in form.fields else ""
            messages.error(request, f"{label}: {' '.join(map(str, errors))}".lstrip(": "))
        return False
    values = {slug: getattr(value, "pk", value) for slug, value in form.cleaned_data.items() if value}
    if rights_of(request.user).may_edit(activity.slug, "owner"):
        values.setdefault("owner", request.user.pk)
    row = Row(values, associations=[{"type": object_type.slug, "id": record_id}])
    try:
        save_batch(activity, [row], actor=request.user, source="admin")
    except DocumentError as error:
        messages.error(request, " ".join(str(problem.message) for problem in error.problems))
        return False
    messages.success(request, form.done)
    return True


def complete(task_ids: list[int], actor: Any, now: Any) -> int:
    """Mark tasks as done; how many were not yet."""
    still_open = list(Task.objects.filter(pk__in=task_ids, deleted_at=None, status=Task.Status.OPEN))
    rows = [Row({"status": Task.Status.DONE.value, "completed_at": now}, id=task.pk) for task in still_open]
    save_batch(object_types["task"], rows, actor=actor, source="admin")
    return len(rows)
