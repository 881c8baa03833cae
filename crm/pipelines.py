"""The pipelines a new installation starts with."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.models import Pipeline, Stage


def default_pipelines() -> dict[str, tuple[str, str, list[tuple[str, str, int, str]]]]:
    """By object type: slug, label, and stages (slug, label, probability, outcome)."""
    return {
        "deal": (
            "sales",
            _("Sales"),
            [
                ("prospecting", _("Prospecting"), 10, "open"),
                ("engaging", _("Engaging"), 40, "open"),
                ("won", _("Won"), 100, "won"),
                ("lost", _("Lost"), 0, "lost"),
            ],
        ),
        "ticket": (
            "support",
            _("Support"),
            [
                ("new", _("New"), 0, "open"),
                ("waiting_on_contact", _("Waiting on contact"), 0, "open"),
                ("waiting_on_us", _("Waiting on us"), 0, "open"),
                ("closed", _("Closed"), 0, "closed"),
            ],
        ),
    }


def ensure_first_pipelines(**signal: object) -> int:
    """Create the first pipeline of each object type that has none; how many were created.

    Received after every migration (and flush), so that there always is a pipeline to work with.
    """
    made = 0
    for object_type, (slug, label, stages) in default_pipelines().items():
        if Pipeline.objects.filter(object_type=object_type).exists():
            continue
        pipeline = Pipeline.objects.create(object_type=object_type, slug=slug, label=label)
        Stage.objects.bulk_create(
            Stage(pipeline=pipeline, slug=s, label=name, position=i, probability=probability, outcome=outcome)
            for i, (s, name, probability, outcome) in enumerate(stages)
        )
        made += 1
    return made
