"""Assign conversation: to an inbox, an owner or both (COM-14); of other records their associated conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.actions.create_task import user_name
from crm.conversing import Assignment, assign
from crm.models import Inbox
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import OWNER, ChoiceField, UserField
from workflows.step_forms.params import StepContext
from workflows.step_forms.recipients import owners_of
from workflows.step_forms.targets import TargetForm, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class InboxField(ChoiceField):
    """An inbox by its internal name."""

    #: What the value names (workflows.dependencies).
    names = "inbox"

    def use_context(self, context: StepContext) -> None:
        self.choices = [("", "—"), *Inbox.objects.values_list("slug", "name")]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-inbox": True}


@actions.register
class AssignConversation(Action):
    slug = "assign_conversation"
    label = gettext_lazy("Assign conversation")
    description = gettext_lazy("Put conversations into an inbox, and give them an owner.")
    group = gettext_lazy("Records")
    icon = "inbox"

    class Params(TargetForm):
        to = "conversation"

        inbox = InboxField(label=gettext_lazy("Inbox"), required=False)
        owner = UserField(
            label=gettext_lazy("Owner"),
            required=False,
            help_text=gettext_lazy("The record’s owner: whoever owns the enrolled record gets its conversations."),
        )

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and not cleaned.get("inbox") and not cleaned.get("owner"):
                raise ValidationError(_("Choose an inbox, an owner or both."))
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        forbidden = not_allowed(context.user, "change", object_types["conversation"])
        return [*super().problems(document, context), *forbidden]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        inbox, owner = document.get("inbox"), document.get("owner")
        facts = {"inbox": inbox_name(inbox), "owner": _("the record’s owner") if owner == OWNER else str(owner)}
        if inbox and owner:
            return _("Assign the conversation to %(owner)s in the inbox “%(inbox)s”") % facts
        if inbox:
            return _("Put the conversation into the inbox “%(inbox)s”") % facts
        return _("Assign the conversation to %(owner)s") % facts if owner else _("Choose an inbox or an owner")

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {f"{context.object_type.slug}.{OWNER}"} if document.get("owner") == OWNER else set()

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {f"conversation.{name}" for name in ("inbox", "owner") if document.get(name)}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"assigned": Property("assigned", gettext_lazy("Number of conversations assigned"), "number")}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Two statements for all conversations."""
        targets, inbox, owner = targets_of(batch, params), params["inbox"] or None, params["owner"]
        users = owners_of(batch) if owner == OWNER else {}
        named = get_user_model()._default_manager.filter(username=owner).first() if owner and owner != OWNER else None
        wanted: dict[int, Assignment] = {}
        for enrollment in batch.enrollments:
            user = users.get(enrollment.record_id, named)
            if owner and user is None and not inbox and targets.of(enrollment):
                batch.skip(enrollment, "no_owner")
                continue
            wanted |= dict.fromkeys(targets.of(enrollment), Assignment(inbox, user.pk if user else None))
        changed = assign(wanted)
        for enrollment in batch.enrollments:
            mine = [pk for pk in targets.of(enrollment) if pk in wanted]
            if not mine:
                continue
            new = [pk for pk in mine if pk in changed]
            if new:
                given = wanted[new[0]]
                batch.done(enrollment, conversations=len(new), inbox=given.inbox, owner=given.owner)
            else:
                batch.skip(enrollment, "same_assignment")
            batch.output(enrollment, assigned=len(new))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        inbox, owner = detail.get("inbox"), user_name(detail.get("owner"))
        facts = {"inbox": inbox_name(inbox), "owner": owner}
        if inbox and owner:
            return format_html(_("Assigned to {owner} in the inbox “{inbox}”"), **facts)
        if inbox:
            return format_html(_("Put into the inbox “{inbox}”"), **facts)
        return format_html(_("Assigned to {owner}"), **facts) if owner else format_html("{}", self.label)


def inbox_name(slug: Any) -> str:
    """An inbox's name; its internal name where it is gone."""
    if not isinstance(slug, str) or not slug:
        return ""
    return Inbox.objects.filter(slug=slug).values_list("name", flat=True).first() or slug
