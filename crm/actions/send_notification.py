"""Send in-app notification: to users, the record's owner, and the main members of teams (COM-07, COM-08)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.links import url_of
from crm.models import Team, User
from crm.team_fields import TeamsField
from workflows.actions.base import Action
from workflows.actions.send_internal_email import people, reads_owner
from workflows.models import Notification
from workflows.registries import actions
from workflows.step_forms.forms import TokenField, UsersField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.recipients import recipients_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class SendNotification(Action):
    slug = "send_notification"
    label = gettext_lazy("Send in-app notification")
    description = gettext_lazy("Tell people here about the record.")
    group = gettext_lazy("Communication")
    icon = "bell"

    class Params(ParamsForm):
        users = UsersField(label=gettext_lazy("Users"), required=False)
        teams = TeamsField(
            label=gettext_lazy("Teams"), required=False, help_text=gettext_lazy("Only their main members are told.")
        )
        title = TokenField(label=gettext_lazy("Title"), max_length=250)
        body = TokenField(label=gettext_lazy("Text"), required=False, lines=4)

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and not cleaned.get("users") and not cleaned.get("teams"):
                raise ValidationError(_("Choose who is told: users, the record’s owner, or teams."))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        users, teams = document.get("users") or [], document.get("teams") or []
        if not isinstance(users, list) or not isinstance(teams, list) or not users + teams:
            return _("Choose who gets the notification")
        names = [people(users)] if users else []
        names += Team.objects.filter(slug__in=[str(team) for team in teams]).values_list("name", flat=True)
        facts = {"people": ", ".join(names), "title": document.get("title")}
        if not document.get("title"):
            return _("Notify %(people)s: write a title") % facts
        return _("Notify %(people)s: “%(title)s”") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        texts = [tokens.reads(document.get(name), context.object_type) for name in ("title", "body")]
        return reads_owner(document.get("users"), context).union(*texts)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        titles, bodies = batch.render(params["title"], "line"), batch.render(params["body"] or "")
        main = User.objects.filter(memberships__team__slug__in=params["teams"], memberships__main=True, is_active=True)
        members = list(main.distinct().order_by("pk")) if params["teams"] else []
        recipients = recipients_of(batch, params["users"], members)
        notifications = []
        for enrollment in batch.enrollments:
            pk = enrollment.record_id
            if not recipients[pk]:
                batch.skip(enrollment, "no_recipients")
                continue
            batch.note(enrollment, users=[user.pk for user in recipients[pk]], title=titles[pk][:250])
            for user in recipients[pk]:
                notifications.append(
                    Notification(
                        user=user,
                        title=titles[pk][:250],
                        body=bodies[pk],
                        url=url_of(batch.object_type, pk),
                        object_type=batch.object_type.slug,
                        record_id=pk,
                        created_at=batch.now,
                    )
                )
        Notification.objects.bulk_create(notifications)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        ids = detail.get("users") or []
        users = get_user_model()._default_manager.in_bulk(ids)
        names = ", ".join(str(users[pk]) if pk in users else _("a deleted user") for pk in ids)
        return format_html(_("Notified {names}: “{title}”"), names=names, title=detail.get("title", ""))
