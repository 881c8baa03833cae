"""The CRM's object types, a file per family (docs/records.md has a table of them)."""

from __future__ import annotations

from crm.object_types.activities import register_activities
from crm.object_types.commerce import register_commerce
from crm.object_types.families import register_families
from crm.object_types.people import register_people
from crm.object_types.pipelines import register_pipeline_records
from crm.object_types.work import register_work


def register_object_types() -> None:
    """Called once, when the apps are ready."""
    register_families()
    register_people()
    register_pipeline_records()
    register_activities()
    register_commerce()
    register_work()
