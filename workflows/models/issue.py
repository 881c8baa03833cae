"""What fails in workflows, step by step and reason by reason, and what somebody has decided about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow

#: How much of a reason tells issues apart.
REASON_LENGTH = 60


class Issue(models.Model):
    """Failures of one step of a workflow for one reason: a row for all of them, read from the log of steps."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        #: Back as soon as it happens again.
        FIXED = "fixed", _("Marked as fixed")
        IGNORED = "ignored", _("Ignored until it happens again")
        #: Back at `until`, whatever happens.
        LATER = "later", _("Put off")

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="issues")
    step = models.CharField(max_length=64)
    #: The code in the detail of the failed lines; "" where there is none.
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    #: The id of the last line of the log that is one of them.
    example = models.BigIntegerField()
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN, db_default=State.OPEN)
    until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ("-last_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("workflow", "step", "reason"), name="one_issue_per_reason"),)
        indexes = (models.Index(fields=("-last_at",), name="issue_last"),)

    def __str__(self) -> str:
        return f"{self.workflow_id} · {self.step} · {self.reason}"

    @property
    def came_back(self) -> bool:
        """Whether it happened again after somebody had called it fixed, or ignored it."""
        decided = self.state in (self.State.FIXED, self.State.IGNORED)
        return decided and self.decided_at is not None and self.last_at > self.decided_at


#: Those that have come back after somebody had decided about them.
CAME_BACK = Q(state__in=(Issue.State.FIXED, Issue.State.IGNORED), last_at__gt=F("decided_at"))
