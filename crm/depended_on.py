"""What of the CRM workflows may name: emails, forms, stages, teams … (workflows.dependencies)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import (
    Audience,
    CallToAction,
    Campaign,
    EmailTemplate,
    Form,
    Inbox,
    Pipeline,
    Sequence,
    Stage,
    SubscriptionType,
    Survey,
    TaskQueue,
    Team,
)
from crm.stage_rules import STAGE_PROPERTIES
from workflows.dependencies.kinds import Kind, named_by, register, valued

#: The properties whose values are stages and pipelines.
STAGES = dict.fromkeys(STAGE_PROPERTIES.items(), "stage")
PIPELINES = {(object_type, "pipeline"): "pipeline" for object_type in STAGE_PROPERTIES}


def stage_names(keys: Collection[str]) -> Mapping[str, str]:
    """ "Won (Sales)" of "deal.stage.won"; the pipelines of all that have a stage of this name."""
    found: dict[str, str] = {}
    rows = Stage.objects.filter(slug__in=[key.rpartition(".")[2] for key in keys]).select_related("pipeline")
    for stage in rows.order_by("pipeline__position", "pk"):
        key = f"{stage.pipeline.object_type}.{STAGE_PROPERTIES.get(stage.pipeline.object_type)}.{stage.slug}"
        found.setdefault(key, _("%(stage)s (%(pipeline)s)") % {"stage": stage.label, "pipeline": stage.pipeline.label})
    return found


def pipeline_names(keys: Collection[str]) -> Mapping[str, str]:
    rows = Pipeline.objects.filter(slug__in=[key.rpartition(".")[2] for key in keys])
    return {f"{one.object_type}.pipeline.{one.slug}": one.label for one in rows}


def user_names(keys: Collection[str]) -> Mapping[str, str]:
    return {user.get_username(): str(user) for user in get_user_model().objects.filter(username__in=list(keys))}


def register_things() -> None:
    """Called once, when the apps are ready."""
    valued.update(STAGES | PIPELINES)
    register(
        Kind(
            "email",
            gettext_lazy("email"),
            gettext_lazy("emails"),
            "mail",
            named_by(EmailTemplate),
            "crm.view_emailtemplate",
        )
    )
    register(
        Kind("form", gettext_lazy("form"), gettext_lazy("forms"), "clipboard", named_by(Form), "crm.view_form"), "form"
    )
    register(
        Kind(
            "call_to_action",
            gettext_lazy("call to action"),
            gettext_lazy("calls to action"),
            "sparkles",
            named_by(CallToAction),
            "crm.view_calltoaction",
        ),
        "call_to_action",
    )
    register(
        Kind("survey", gettext_lazy("survey"), gettext_lazy("surveys"), "star", named_by(Survey), "crm.view_survey")
    )
    register(
        Kind(
            "sequence",
            gettext_lazy("sequence"),
            gettext_lazy("sequences"),
            "send",
            named_by(Sequence),
            "crm.view_sequence",
        )
    )
    register(
        Kind(
            "audience",
            gettext_lazy("ads audience"),
            gettext_lazy("ads audiences"),
            "users",
            named_by(Audience),
            "crm.view_audience",
        )
    )
    register(
        Kind(
            "subscription_type",
            gettext_lazy("subscription type"),
            gettext_lazy("subscription types"),
            "mail",
            named_by(SubscriptionType),
        ),
        "subscription",
    )
    register(Kind("stage", gettext_lazy("stage"), gettext_lazy("stages"), "columns", stage_names))
    register(Kind("pipeline", gettext_lazy("pipeline"), gettext_lazy("pipelines"), "columns", pipeline_names))
    register(
        Kind("queue", gettext_lazy("task queue"), gettext_lazy("task queues"), "check-square", named_by(TaskQueue))
    )
    register(Kind("inbox", gettext_lazy("inbox"), gettext_lazy("inboxes"), "inbox", named_by(Inbox)))
    register(Kind("team", gettext_lazy("team"), gettext_lazy("teams"), "user-check", named_by(Team)))
    register(Kind("user", gettext_lazy("user"), gettext_lazy("users"), "user", user_names))
    register(
        Kind(
            "campaign",
            gettext_lazy("campaign"),
            gettext_lazy("campaigns"),
            "target",
            named_by(Campaign, "pk"),
            "crm.view_campaign",
        )
    )
