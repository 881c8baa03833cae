"""With an erased contact goes what workflows for other records, like its deals, have sent to it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact, Deal, EmailTemplate, SubscriptionType
from records.associations import associate
from records.clock import database_now
from records.object_types import object_types
from records.saving import delete_records, erasing
from tests import plans
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery, Enrollment
from workflows.outbox.forgetting import forget_contacts

pytestmark = pytest.mark.django_db


def people_with_deals(count: int) -> tuple[list[Contact], list[Deal]]:
    people = Contact.objects.bulk_create(
        Contact(email=f"c{i}@example.com", first_name=f"C{i}", marketing_status="marketing") for i in range(count)
    )
    deals = Deal.objects.bulk_create(Deal(name=f"D{i}", stage="won") for i in range(count))
    associate("deal", "contact", [(deal.pk, one.pk) for deal, one in zip(deals, people, strict=True)])
    return people, deals


def erase(*people: Contact) -> None:
    delete_records(object_types["contact"], [one.pk for one in people])
    Contact.objects.filter(pk__in=[one.pk for one in people]).update(deleted_at=NOW - dt.timedelta(days=400))
    assert erasing.erase(database_now()) == len(people)


def written_to() -> set[str]:
    return set(Delivery.objects.values_list("request__to", flat=True))


@pytest.mark.covers("LIM-09")
def test_emails_that_a_deals_workflow_sent_go_with_the_contact_and_so_do_copies_of_them():
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(
        slug="hello", name="Hello", subject="Hi {{ contact.first_name }}", body="<p>Hi</p>", footer="Us", type=news
    )
    (ann, _bob), deals = people_with_deals(2)
    steps = [
        step("mail", "send_email", email="hello", of="contact"),
        step("copy", "send_internal_marketing_email", email="hello", of="contact", addresses="boss@example.com"),
    ]
    made = enroll(make_workflow(steps, "deal"), [one.pk for one in deals])
    while run_due(NOW):
        pass
    Delivery.objects.update(state="dead", due_at=None)
    assert Delivery.objects.count() == 4
    erase(ann)
    assert written_to() == {"c1@example.com", "boss@example.com"}
    assert set(Delivery.objects.values_list("enrollment_id", flat=True)) == {made[1].pk}
    assert {one.status for one in Enrollment.objects.all()} == {"completed"}


def waiting_message(deal: Deal, person: Contact, state: str) -> tuple[Enrollment, Delivery]:
    workflow = make_workflow([step("m", "send_sms"), step("after", "delay", days=1)], "deal")
    [made] = enroll(workflow, [deal.pk])
    Enrollment.objects.filter(pk=made.pk).update(waiting_in="m", due_at=None)
    sent = Delivery.objects.create(
        key=f"{made.pk}:m:{made.visit}:{person.pk}", kind="webhook", enrollment_id=made.pk, state=state,
        request={"contact": person.pk, "to": "+4670"}, created_at=NOW,
    )  # fmt: skip
    return made, sent


@pytest.mark.parametrize("state", ["uncertain", "pending", "sending"])
def test_a_deal_that_waits_for_a_message_to_an_erased_contact_goes_on(state):
    (ann, bob), (deal, other) = people_with_deals(2)
    made, _hers = waiting_message(deal, ann, state)
    waits, his = waiting_message(other, bob, state)
    erase(ann)
    assert list(Delivery.objects.all()) == [his]
    made.refresh_from_db(), waits.refresh_from_db()
    assert made.due_at is not None and made.status == "active"
    assert waits.due_at is None


def test_forgetting_looks_only_at_deliveries_to_these_contacts_with_as_many_statements():
    Delivery.objects.bulk_create(
        Delivery(
            key=f"k{i}", kind="email", request={"contact": i, "to": f"c{i}@example.com"}, state="done",
            created_at=NOW, done_at=NOW,
        )
        for i in range(3_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_delivery")

    def statements(ids: list[int]) -> int:
        seen: list[dict] = []
        keeping = plans.keeping(seen, "SELECT")
        with CaptureQueriesContext(connection) as told, connection.execute_wrapper(keeping):
            forget_contacts(ids)
        assert plans.looked_at(seen[0], "workflows_delivery") <= 3 * len(ids)
        return len(told)

    assert statements([5]) == statements(list(range(100, 110)))
    assert Delivery.objects.count() == 3_000 - 11
