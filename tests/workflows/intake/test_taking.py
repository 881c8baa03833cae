"""A round of dispatching asks for what is there, not for all there could be."""

from __future__ import annotations

import pytest

from crm.models import Contact
from records.clock import database_now
from records.models import PendingChange
from workflows.intake import taking
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db


def test_a_change_that_concerns_nobody_costs_few_statements(django_assert_max_num_queries):
    contact = Contact.objects.create(email="a@example.com")
    dispatch(database_now())
    Contact.objects.filter(pk=contact.pk).update(city="Lund")
    now = database_now()
    # A look, the transaction's beginning and end, what is taken, and the segments it could concern.
    with django_assert_max_num_queries(5):
        assert dispatch(now) == 1


def test_what_is_taken_is_as_it_was_written_oldest_first():
    first = Contact.objects.create(email="a@example.com")
    Contact.objects.filter(pk=first.pk).update(city="Lund", job_title="CEO")
    written = list(PendingChange.objects.order_by("pk").values())
    now = database_now()
    assert taking.glance(now) == (True, False)
    taken = taking.take(now, 100)
    fields = [field.attname for field in PendingChange._meta.concrete_fields]
    assert [{name: getattr(change, name) for name in fields} for change in taken.changes] == written
    assert set(taken.changes[-1].properties) == {"city", "job_title"}
    assert (taken.events, taken.waits, taken.subscriptions) == ([], False, False)
    assert taking.glance(now) == (False, False)
    assert taking.take(now, 100).changes == []
