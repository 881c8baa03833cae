"""What a draft's saving means to the criteria that are compiled already: nothing, unless a name changes."""

from __future__ import annotations

import pytest

from records.clock import database_now
from records.vocabulary import version
from tests.workflows.publishing_deals import BIG, boss, draft
from workflows import drafting
from workflows.lifecycle import cataloguing

pytestmark = pytest.mark.django_db


def test_saving_a_draft_keeps_compiled_criteria_and_renaming_a_workflow_does_not():
    workflow = draft(BIG)
    before = version()
    saved = drafting.apply(
        workflow, {"op": "insert", "at": "steps.0", "step": {"action": "end"}}, rev=0, user=boss(), now=database_now()
    )
    assert version() == before
    drafting.apply(
        workflow, {"op": "rename", "name": "Other"}, rev=saved.revision.rev, user=boss(), now=database_now()
    )
    renamed = version()
    assert renamed != before
    cataloguing.remove(workflow, by=boss(), now=database_now())
    assert version() != renamed
