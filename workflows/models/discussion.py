"""What people say to each other about a workflow, and who is looking at it: no part of any definition."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow


class Thread(models.Model):
    """Comments that answer each other, about the workflow, its trigger or one of its steps.

    A step that is deleted keeps its threads: they come back to its card when it does.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="threads")
    #: What it is about: a step's id, "trigger", or "" for the workflow as a whole.
    step = models.CharField(max_length=63, blank=True)
    #: The step's action when the thread began: it tells what the thread was about once the step is gone.
    action = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        #: Whoever may view the workflow may read and write them: there is nothing to grant.
        default_permissions = ()
        indexes = (models.Index(fields=("workflow", "step"), condition=Q(resolved_at=None), name="open_threads"),)


class Comment(models.Model):
    """One contribution to a thread. A deleted one that others have answered stays as an empty place."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(blank=True)
    mentioned: models.ManyToManyField = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        default_permissions = ()
        ordering = ("pk",)


class Presence(models.Model):
    """Somebody has a workflow's editor open; the editor says so every few seconds, and silence means gone."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: The id of the step whose panel is open, "trigger", or "".
    step = models.CharField(max_length=63, blank=True)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("workflow", "user"), name="one_presence_each"),)
