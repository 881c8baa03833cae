"""A stage brings its pipeline and its probability along; what does not belong together is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal, Pipeline, Stage, Ticket
from records.object_types import object_types
from records.problems import DocumentError
from records.saving import Row, save_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def renewals(db):
    """A second pipeline of deals, which shares the stage “won” with the first."""
    pipeline = Pipeline.objects.create(object_type="deal", slug="renewals", label="Renewals", position=1)
    for position, (slug, probability) in enumerate((("asked", 70), ("won", 95))):
        facts = {"label": slug.capitalize(), "position": position, "probability": probability}
        Stage.objects.create(pipeline=pipeline, slug=slug, **facts)
    return pipeline


def save(*rows, slug="deal", **options):
    return save_batch(object_types[slug], list(rows), **options)


def made(**values):
    (saved,) = save(Row({"name": "A deal"} | values))
    return Deal.objects.get(pk=saved.id)


def changed(deal, **values):
    save(Row(values, id=deal.pk))
    deal.refresh_from_db()
    return deal


def facts(deal):
    return (deal.pipeline, deal.stage, deal.probability)


def test_a_new_deal_goes_into_the_first_pipeline_with_its_stage(renewals):
    assert facts(made(stage="won")) == ("sales", "won", Decimal(100))
    assert facts(made(stage="asked")) == ("renewals", "asked", Decimal(70))
    assert facts(made(stage="won", pipeline="renewals")) == ("renewals", "won", Decimal(95))


def test_a_deal_without_a_stage_is_left_alone():
    assert facts(made()) == ("", "", None)


def test_a_ticket_gets_its_pipeline_too():
    save(Row({"subject": "Help", "status": "new"}), slug="ticket")
    assert Ticket.objects.get().pipeline == "support"


def test_the_probability_follows_the_stage_until_somebody_sets_another():
    deal = made(stage="prospecting")
    assert facts(changed(deal, stage="engaging"))[2] == 40
    assert facts(changed(deal, probability=55))[2] == 55
    assert facts(changed(deal, stage="won"))[2] == 55


def test_a_probability_given_with_the_stage_wins():
    assert facts(made(stage="won", probability=12))[2] == 12


def test_a_stage_of_another_pipeline_is_refused_with_the_stages_there_are(renewals):
    deal = made(stage="engaging")
    with pytest.raises(DocumentError) as error:
        changed(deal, stage="asked")
    (problem,) = error.value.problems
    assert problem.path == "0.properties.stage"
    assert str(problem.message) == (
        "“Asked” is not a stage of the pipeline “Sales”. Choose one of: Prospecting, Engaging, Won, Lost."
    )
    deal.refresh_from_db()
    assert facts(changed(deal, stage="asked", pipeline="renewals"))[:2] == ("renewals", "asked")


def test_moving_a_deal_to_a_pipeline_without_its_stage_asks_for_a_stage(renewals):
    deal = made(stage="engaging")
    with pytest.raises(DocumentError):
        changed(deal, pipeline="renewals")


def test_saving_a_deal_again_changes_nothing():
    deal = made(stage="engaging")
    (saved,) = save(Row({"stage": "engaging"}, id=deal.pk))
    assert saved.status == "unchanged"


def test_rows_of_one_batch_that_mean_the_same_deal_are_settled_in_order(renewals):
    rows = [Row({"name": "Twice", "stage": "engaging"}), Row({"name": "Twice", "stage": "won"})]
    saved = save(*rows, upsert_by="name")
    assert [one.status for one in saved] == ["created", "updated"]
    assert facts(Deal.objects.get()) == ("sales", "won", Decimal(100))


def test_a_row_names_new_records_only():
    deal = made()
    rows = [Row({"amount": 5}, id=deal.pk, initial={"name": "Other"}), Row({"amount": 5}, initial={"name": "New"})]
    save(*rows)
    assert sorted(Deal.objects.values_list("name", flat=True)) == ["A deal", "New"]


def test_a_batch_asks_for_the_stages_once():
    def asked(count):
        with CaptureQueriesContext(connection) as queries:
            save(*(Row({"name": f"Deal {i}", "stage": "engaging"}) for i in range(count)))
        return len(queries)

    assert asked(1) == asked(50)
