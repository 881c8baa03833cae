"""Criteria are read and compiled once, and again as soon as what they are written in terms of has changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from crm.models import Deal, Pipeline, Stage
from records import segments, vocabulary
from records.clock import database_now
from records.models import PropertyDefinition, Segment
from records.object_types import object_types
from records.plans import plan_of

pytestmark = pytest.mark.django_db


def segment_of(*filters: dict[str, Any]) -> Segment:
    return segments.create({"any": [{"all": list(filters)}]}, object_types["deal"], now=database_now())


def test_a_plan_is_made_once(django_assert_num_queries):
    segment = segment_of({"property": "amount", "operator": "is_greater_than", "value": 10})
    now = database_now()
    first = plan_of(segment, now)
    with django_assert_num_queries(1):
        assert plan_of(segment, now + dt.timedelta(days=1)) is first


def test_every_change_of_the_vocabulary_is_a_new_version():
    pipeline = Pipeline.objects.create(object_type="deal", slug="other", label="Other")
    versions = [vocabulary.version()]

    def changed() -> bool:
        versions.append(vocabulary.version())
        return versions[-1] not in versions[:-1]

    stage = Stage.objects.create(pipeline=pipeline, slug="new", label="New")
    assert changed()
    Stage.objects.filter(pk=stage.pk).update(label="Newer")
    assert changed()
    Stage.objects.filter(pk=stage.pk).delete()
    Stage.objects.create(pipeline=pipeline, slug="another", label="Another")
    assert changed()
    PropertyDefinition.objects.create(object_type="deal", slug="colour", label="Colour", type="text")
    assert changed()
    get_user_model().objects.create_user("somebody")
    assert changed()
    assert not changed()


def test_a_property_whose_type_has_changed_is_read_anew():
    PropertyDefinition.objects.create(object_type="deal", slug="size", label="Size", type="text")
    deals = Deal.objects.bulk_create([Deal(name="A", custom={"size": "10"}), Deal(name="B", custom={"size": "010"})])
    segment = segment_of({"property": "size", "operator": "is_known"})
    segment.criteria = {"all": [{"property": "size", "operator": "is_equal_to_property", "other": "size"}]}
    ids = [deal.pk for deal in deals]
    assert segments.refresh(segment, ids, database_now()).joined == ids
    PropertyDefinition.objects.filter(slug="size").update(type="number")
    Deal.objects.filter(name="B").update(custom={"size": "ten"})
    assert segments.refresh(segment, ids, database_now()) == segments.Transitions([], [deals[1].pk])


def test_a_user_who_comes_back_under_the_same_name_is_found():
    somebody = get_user_model().objects.create_user("somebody")
    segment = segment_of({"property": "owner", "operator": "is_any_of", "value": ["somebody"]})
    segments.refresh(segment, [], database_now())
    somebody.delete()
    again = get_user_model().objects.create_user("somebody")
    deal = Deal.objects.create(name="A", owner=again)
    assert segments.refresh(segment, [deal.pk], database_now()).joined == [deal.pk]


def test_criteria_that_time_changes_are_asked_for_their_instant():
    now = database_now()
    deal = Deal.objects.create(name="A", close_date=now.date() - dt.timedelta(days=3))
    segment = segment_of({"property": "close_date", "operator": "is_more_than_days_ago", "value": 5})
    assert segments.refresh(segment, [deal.pk], now).joined == []
    assert segments.refresh(segment, [deal.pk], now + dt.timedelta(days=4)).joined == [deal.pk]
    assert segments.refresh(segment, [deal.pk], now).left == [deal.pk]


def test_the_answers_of_every_filter_are_told_in_order():
    deals = Deal.objects.bulk_create([Deal(name="A", amount=20), Deal(name="B", amount=20, currency="SEK")])
    big = {"property": "amount", "operator": "is_greater_than", "value": 10}
    sek = {"property": "currency", "operator": "is_equal_to_any_of", "value": ["SEK"]}
    made = segments.create({"any": [big, sek]}, object_types["deal"], now=database_now())
    assert plan_of(made, database_now()).leaves(deal.pk for deal in deals) == {deals[0].pk: "10", deals[1].pk: "11"}
