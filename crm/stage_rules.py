"""What belongs to a stage: its pipeline, and how likely a deal in it is to be won.

A deal or ticket that gets a stage and has no pipeline goes into the first pipeline with that stage. A stage and a
pipeline that do not belong together are refused. When a deal changes its stage and no probability is given with it,
the probability follows, unless somebody has set another one than the old stage's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Stage
from records.saving.rows import Work
from records.saving.rules import register_rule

STAGE_PROPERTIES = {"deal": "stage", "ticket": "status"}


@dataclass
class Place:
    """A pipeline with its stages by slug."""

    label: str
    stages: dict[str, Stage] = field(default_factory=dict)


def register_stage_rules() -> None:
    """Called once, when the app is ready."""
    for object_type, slug in STAGE_PROPERTIES.items():
        register_rule(object_type, partial(settle, object_type, slug))


def pipelines_of(object_type: str) -> dict[str, Place]:
    """The pipelines of an object type in their order, by slug."""
    found = Stage.objects.filter(pipeline__object_type=object_type).select_related("pipeline")
    places: dict[str, Place] = {}
    for stage in found.order_by("pipeline__position", "pipeline__label", "position"):
        place = places.setdefault(stage.pipeline.slug, Place(stage.pipeline.label))
        place.stages[stage.slug] = stage
    return places


def settle(object_type: str, slug: str, works: Sequence[Work]) -> None:
    """Complete or refuse what a batch says about pipelines and stages."""
    concerned = [work for work in works if work.values.keys() & {slug, "pipeline"}]
    if not concerned:
        return
    places = pipelines_of(object_type)
    states: dict[int, dict[str, Any]] = {}
    for work in concerned:
        before = states.get(id(work.record)) or state_of(work.record, slug)
        after = before | {key: work.values[key] or "" for key in (slug, "pipeline") if key in work.values}
        if after != before:
            place(work, slug, after, places)
            if object_type == "deal" and work.valid:
                weigh(work, before, after, places)
        if work.valid:
            states[id(work.record)] = after | {"probability": work.values.get("probability", before["probability"])}


def state_of(record: Any, slug: str) -> dict[str, Any]:
    """Where a record is; a new one is nowhere."""
    new = record.pk is None
    return {
        slug: "" if new else getattr(record, slug),
        "pipeline": "" if new else record.pipeline,
        "probability": None if new else getattr(record, "probability", None),
    }


def place(work: Work, slug: str, after: dict[str, Any], places: dict[str, Place]) -> None:
    """Give a stage its pipeline, or refuse a pair that does not belong together."""
    stage = after[slug]
    if stage and not after["pipeline"]:
        found = next((name for name, one in places.items() if stage in one.stages), "")
        if found:
            after["pipeline"] = work.values["pipeline"] = found
    pipeline = places.get(after["pipeline"])
    if stage and pipeline is not None and stage not in pipeline.stages:
        message = _("“%(stage)s” is not a stage of the pipeline “%(pipeline)s”. Choose one of: %(known)s.")
        label = next((one.stages[stage].label for one in places.values() if stage in one.stages), stage)
        known = ", ".join(one.label for one in pipeline.stages.values())
        facts = {"stage": label, "pipeline": pipeline.label, "known": known}
        work.refuse(f"properties.{slug}", message % facts, stage, code="stage_not_in_pipeline")


def weigh(work: Work, before: dict[str, Any], after: dict[str, Any], places: dict[str, Place]) -> None:
    """Let the probability follow the stage unless a person has set it."""
    usual = probability_of(before, places)
    if work.values.get("probability") is not None or before["probability"] not in (None, usual):
        return
    follows = probability_of(after, places)
    if follows is not None:
        work.values["probability"] = follows


def probability_of(state: dict[str, Any], places: dict[str, Place]) -> Decimal | None:
    """The probability of the stage a deal is in."""
    pipeline = places.get(state["pipeline"])
    stage = pipeline.stages.get(state["stage"]) if pipeline else None
    return None if stage is None else Decimal(stage.probability)
