"""Adding a note or a task to a record, and completing tasks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Task, User
from crm.record_links import may
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.saving import Row, save_batch


class NoteForm(forms.Form):
    """A note about the record."""

    kind = "note"
    body = forms.CharField(label=gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": 3}), max_length=65_536)


class TaskForm(forms.Form):
    """Something to do about the record."""

    kind = "task"
    title = forms.CharField(label=gettext_lazy("Task"), max_length=250)
    due_at = forms.DateTimeField(
        label=gettext_lazy("Due"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    owner = forms.ModelChoiceField(
        label=gettext_lazy("Assignee"),
        queryset=User.objects.filter(is_active=True).order_by("username"),
        required=False,
    )


def add(form: Any, object_type: ObjectType, record_id: int, request: HttpRequest) -> bool:
    """Create the note or task and associate it with the record; messages say what happened."""
    activity = object_types[form.kind]
    if not may(request.user, "add", activity):
        messages.error(request, _("You may not add this. Ask an administrator for the permission."))
        return False
    if not form.is_valid():
        for name, errors in form.errors.items():
            label = form.fields[name].label if name in form.fields else ""
            messages.error(request, f"{label}: {' '.join(errors)}".lstrip(": "))
        return False
    values = {slug: getattr(value, "pk", value) for slug, value in form.cleaned_data.items() if value}
    values.setdefault("owner", request.user.pk)
    row = Row(values, associations=[{"type": object_type.slug, "id": record_id}])
    try:
        save_batch(activity, [row], actor=request.user, source="admin")
    except DocumentError as error:
        messages.error(request, " ".join(str(problem.message) for problem in error.problems))
        return False
    messages.success(request, _("The note was added.") if form.kind == "note" else _("The task was added."))
    return True


def complete(task_ids: list[int], actor: Any, now: Any) -> int:
    """Mark tasks as done; how many were not yet."""
    still_open = list(Task.objects.filter(pk__in=task_ids, deleted_at=None, status=Task.Status.OPEN))
    rows = [Row({"status": Task.Status.DONE.value, "completed_at": now}, id=task.pk) for task in still_open]
    save_batch(object_types["task"], rows, actor=actor, source="admin")
    return len(rows)
