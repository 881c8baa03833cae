"""No more than a limit lets through, whoever works; nobody is held up by it who need not be."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import checks, mail
from django.db import connection, transaction

from crm.models import Contact, User
from records.clock import database_now
from records.problems import Problem
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows import drafting
from workflows.definitions import checking, parsing
from workflows.engine import claiming, closing_up, limits, waiting
from workflows.engine.limits import Limit, take
from workflows.engine.taking_steps import run_due
from workflows.enrollment import enrolling
from workflows.lifecycle import publishing
from workflows.models import Allowance, Delivery, Enrollment, Revision, StepExecution, Workflow
from workflows.outbox import delivering
from workflows.outbox.delivering import deliver

pytestmark = pytest.mark.django_db
ADD = step("add", "change_number", property="lead_score", by=1)
WAIT = step("wait", "delay", days=30)
SECOND = dt.timedelta(seconds=1)


def limited(count: int, per: str, steps: list[dict[str, Any]] | None = None) -> Workflow:
    """A workflow with a limit; revisions never change, so it gets another one."""
    workflow = make_workflow(steps or [ADD, WAIT])
    assert workflow.live is not None
    document = workflow.live.definition | {"settings": {"limit": {"count": count, "per": per}}}
    workflow.live = Revision.objects.create(workflow=workflow, number=2, definition=document, published_at=NOW)
    workflow.save()
    return workflow


def contacts(count: int) -> list[int]:
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", lead_score=0) for i in range(count))
    return [contact.pk for contact in made]


def run_all(now: dt.datetime) -> None:
    while run_due(now):
        pass


def passed() -> list[dt.datetime]:
    return sorted(StepExecution.objects.filter(step="add", outcome="success").values_list("at", flat=True))


def most_in(moments: list[dt.datetime], period: dt.timedelta) -> int:
    """The most there were in any period, wherever it begins."""
    return max((sum(1 for at in moments if start <= at < start + period) for start in moments), default=0)


def test_a_workflow_lets_through_as_many_as_its_limit_in_any_minute() -> None:
    enroll(limited(10, "minute"), contacts(45))
    for tick in range(330):
        run_all(NOW + tick * SECOND)
    moments = passed()
    assert len(moments) == 45
    assert most_in(moments, dt.timedelta(minutes=1)) == 10
    assert moments[9] == NOW, "the first ten need not wait"
    assert moments[-1] - NOW < dt.timedelta(minutes=4, seconds=40), "the limit is used"
    assert set(Contact.objects.values_list("lead_score", flat=True)) == {1}


def test_who_came_first_goes_first_and_nobody_new_overtakes() -> None:
    workflow = limited(2, "minute")
    first = enroll(workflow, contacts(5))
    run_all(NOW)
    later = Contact.objects.bulk_create([Contact(email="late@example.com")])
    last = enroll(workflow, [later[0].pk], now=NOW + 61 * SECOND)
    for tick in range(61, 300):
        run_all(NOW + tick * SECOND)
    order = StepExecution.objects.filter(step="add", outcome="success").order_by("at", "enrollment_id")
    assert list(order.values_list("enrollment_id", flat=True)) == [one.pk for one in (*first, *last)]


def test_only_the_first_step_that_acts_counts() -> None:
    steps = [step("a", "delay", minutes=1), ADD, step("b", "change_number", property="lead_score", by=10), WAIT]
    ids = contacts(4)
    made = enroll(limited(2, "hour", steps), ids)
    run_all(NOW)
    assert Allowance.objects.count() == 0, "a delay only steers"
    run_all(NOW + 60 * SECOND)
    assert sorted(Contact.objects.values_list("lead_score", flat=True)) == [0, 0, 11, 11]
    assert log_of(made[3])[-1] == ("add", "waiting")
    assert Allowance.objects.get().full_until == NOW + 60 * SECOND + dt.timedelta(hours=1, seconds=15)
    run_all(NOW + dt.timedelta(hours=1, minutes=40))
    assert set(Contact.objects.values_list("lead_score", flat=True)) == {11}


def test_a_limited_workflow_says_until_when_and_keeps_no_worker() -> None:
    workflow = limited(1, "minute")
    enroll(workflow, contacts(500))
    run_all(NOW)
    assert claiming.claim(NOW, 10) is None
    [until] = limits.throttled([f"workflow:{workflow.pk}"], NOW).values()
    assert until == max(Enrollment.objects.filter(step="add").values_list("due_at", flat=True))
    assert dt.timedelta(hours=8) < until - NOW < dt.timedelta(hours=9)
    line = StepExecution.objects.filter(outcome="waiting", step="add").order_by("id")[0]
    assert line.detail["reason"] == "limit_per_minute"


def test_a_limit_keeps_no_other_workflow_waiting() -> None:
    enroll(limited(1, "day"), contacts(300))
    free = make_workflow([step("end", "end")])
    enroll(free, [Contact.objects.create(email="free@example.com").pk])
    for _ in range(3):
        run_due(NOW, 100)
    assert Enrollment.objects.get(workflow=free).status == "completed"


def test_what_a_rolled_back_transaction_took_comes_back() -> None:
    take("workflow:1", Limit(5, "hour"), 1, NOW)
    with transaction.atomic():
        assert take("workflow:1", Limit(5, "hour"), 4, NOW).count == 4
        transaction.set_rollback(True)
    assert take("workflow:1", Limit(5, "hour"), 9, NOW).count == 4


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_do_not_exceed_it() -> None:
    enroll(limited(100, "hour"), contacts(900), now=database_now())
    gate = threading.Barrier(8)

    def work() -> None:
        try:
            gate.wait(timeout=60)
            for _ in range(12):
                run_due(database_now(), 40)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work) for _ in range(8)]:
            future.result(timeout=120)
    run_all(database_now())
    for _ in range(3):
        run_all(database_now() + 2 * SECOND)
    assert Counter(Contact.objects.values_list("lead_score", flat=True)) == {1: 100, 0: 800}


def deliveries(count: int, kind: str) -> None:
    request = {"to": "a@example.com", "from": "b@example.com", "subject": "S", "text": "T"}
    Delivery.objects.bulk_create(
        Delivery(key=f"{kind}{i}", kind=kind, request=request, due_at=NOW, created_at=NOW) for i in range(count)
    )


def test_deliveries_have_their_own_limit_and_other_kinds_go_on(settings: Any) -> None:
    settings.WORKFLOW_DELIVERY_LIMITS = {"mail": "5/minute"}
    deliveries(30, "mail")
    deliveries(30, "pigeon")
    while deliver(NOW):
        pass
    assert len(mail.outbox) == 5
    assert Delivery.objects.filter(kind="pigeon", state="dead").count() == 30, "nobody knows that kind"
    assert set(limits.throttled(["delivery:mail"], NOW)) == {"delivery:mail"}
    while deliver(NOW + 61 * SECOND):
        pass
    assert len(mail.outbox) == 10


def test_what_a_slow_round_leaves_to_others_has_not_used_up_the_limit(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WORKFLOW_DELIVERY_LIMITS = {"mail": "5/day"}
    monkeypatch.setattr(delivering, "ROUND_SECONDS", -1.0)
    deliveries(5, "mail")
    while deliver(NOW):
        pass
    assert len(mail.outbox) == 5


def test_nothing_seems_to_wait_while_a_limit_is_used_up(settings: Any) -> None:
    settings.WORKFLOW_DELIVERY_LIMITS = {"mail": "1/day"}
    deliveries(3, "mail")
    Delivery.objects.update(due_at=database_now() - SECOND)
    assert waiting.look().deliveries is not None
    deliver(database_now())
    assert waiting.look().deliveries is None


def test_a_delivery_limit_that_cannot_be_read_is_an_error(settings: Any) -> None:
    settings.WORKFLOW_DELIVERY_LIMITS = {"mail": "lots"}
    with pytest.raises(ValueError, match="100/minute"):
        limits.of_deliveries("mail")
    assert [found.id for found in checks.run_checks() if found.id == "config.E002"] == ["config.E002"]


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        (5, ["settings.limit"]),
        ({"count": 0, "per": "minute"}, ["settings.limit.count"]),
        ({"count": True, "per": "year"}, ["settings.limit.count", "settings.limit.per"]),
        ({"count": 1, "per": "day", "burst": 2}, ["settings.limit.burst"]),
        ({"count": 1, "per": "day"}, []),
        (None, []),
    ],
)
def test_a_limit_that_is_not_valid_keeps_a_workflow_from_being_published(value: Any, paths: list[str]) -> None:
    parsed = parsing.parse({"object": "contact", "settings": {"limit": value}, "steps": [ADD]})
    found: list[Problem] = checking.errors(checking.problems(parsed))
    assert [problem.path for problem in found if problem.path.startswith("settings")] == paths


def test_the_list_and_the_editor_say_until_when_a_workflow_is_limited(client: Any) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    workflow, free = limited(1, "hour"), make_workflow([ADD])
    enroll(workflow, contacts(3), now=database_now())
    run_all(database_now())
    rows = client.get("/admin/workflows/workflow/").content.decode()
    assert rows.count("Limited until") == 1
    editor = [client.get(f"/admin/workflows/workflow/{one.pk}/editor/").content.decode() for one in (workflow, free)]
    assert ["Limited until" in page for page in editor] == [True, False]


def test_the_list_of_deliveries_says_which_kind_is_limited(client: Any, settings: Any) -> None:
    settings.WORKFLOW_DELIVERY_LIMITS = {"mail": "1/day"}
    client.force_login(User.objects.create_superuser("ann"))
    deliveries(2, "mail")
    deliver(database_now() + dt.timedelta(days=400))
    assert "limited to 1/day" in client.get("/admin/workflows/delivery/").content.decode()


def test_who_waits_asks_again_once_another_limit_is_published() -> None:
    boss = User.objects.create_superuser("ann")
    steps = [ADD, WAIT]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Test", "contact", boss, document | {"settings": {"limit": {"count": 1, "per": "day"}}})
    publishing.publish(workflow, by=boss, now=NOW, enroll_existing=False)
    enroll(workflow, contacts(5))
    run_all(NOW)
    assert len(passed()) == 1
    drafting.draft_of(workflow)
    Revision.objects.filter(published_at=None).update(definition=document)
    publishing.publish(workflow, by=boss, now=NOW, enroll_existing=False)
    run_all(NOW)
    assert len(passed()) == 5
    assert limits.throttled([f"workflow:{workflow.pk}"], NOW) == {}


def promised(workflow: Workflow) -> list[dt.datetime]:
    """When those who wait may ask again, by how long they have been there."""
    found = Enrollment.objects.filter(workflow=workflow, status="active", turn=1).order_by("pk")
    return [at for at in found.values_list("due_at", flat=True) if at is not None]


def test_those_behind_come_earlier_when_others_leave_the_queue() -> None:
    workflow = limited(1, "day")
    made = enroll(workflow, contacts(51))
    run_all(NOW)
    assert promised(workflow)[-1] - NOW > dt.timedelta(days=50)
    leaving = Enrollment.objects.filter(pk__in=[one.pk for one in made[1:49]])
    enrolling.unenroll(leaving, reason="by_hand", by=None, now=NOW)
    assert closing_up.close_up(NOW + SECOND) == 2
    first, second = promised(workflow)
    assert first - NOW < dt.timedelta(days=1, minutes=13)
    assert second - first == Limit(1, "day").spacing
    assert limits.throttled([f"workflow:{workflow.pk}"], NOW) == {f"workflow:{workflow.pk}": second}
    [newcomer] = enroll(workflow, [Contact.objects.create(email="new@example.com").pk])
    run_all(NOW + SECOND)
    newcomer.refresh_from_db()
    assert newcomer.due_at == second + Limit(1, "day").spacing
    assert closing_up.close_up(NOW + 2 * SECOND) == 0, "now nobody is missing"


def test_a_queue_everybody_has_left_keeps_nobody_waiting() -> None:
    workflow = limited(1, "day")
    enroll(workflow, contacts(9))
    run_all(NOW)
    enrolling.unenroll(Enrollment.objects.filter(turn=1), reason="by_hand", by=None, now=NOW)
    closing_up.close_up(NOW + SECOND)
    assert Allowance.objects.get().queue_until is None
    tomorrow = NOW + dt.timedelta(days=1, minutes=7)
    enroll(workflow, [Contact.objects.create(email="new@example.com").pk], now=tomorrow)
    run_all(tomorrow)
    assert passed() == [NOW, tomorrow]


def test_closing_up_changes_nothing_where_nobody_left_and_keeps_the_limit() -> None:
    workflow = limited(10, "minute")
    enroll(workflow, contacts(45))
    moved = 0
    for tick in range(0, 330, 3):
        run_all(NOW + tick * SECOND)
        moved += closing_up.close_up(NOW + tick * SECOND)
    assert moved == 0
    assert most_in(passed(), dt.timedelta(minutes=1)) == 10
    assert len(passed()) == 45


def test_of_a_long_queue_the_front_closes_up_and_nobody_overtakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing_up, "FRONT", 5)
    workflow = limited(1, "hour")
    made = enroll(workflow, contacts(31))
    run_all(NOW)
    leaving = Enrollment.objects.filter(pk__in=[one.pk for one in made[1:21]])
    enrolling.unenroll(leaving, reason="by_hand", by=None, now=NOW)
    before = promised(workflow)
    assert closing_up.close_up(NOW + SECOND) == 5
    after = promised(workflow)
    assert after[5:] == before[5:]
    assert after == sorted(after)
    for hour in range(1, 12):
        at = NOW + hour * dt.timedelta(hours=1, minutes=1)
        closing_up.close_up(at)
        run_all(at)
    assert len(passed()) == 11, "those behind come to the front in time"


def test_whoever_waits_in_a_delay_or_for_a_window_is_not_moved() -> None:
    workflow = limited(1, "day")
    made = enroll(workflow, contacts(4))
    run_all(NOW)
    later = NOW + dt.timedelta(days=90)
    Enrollment.objects.filter(pk=made[1].pk).update(step="wait", waiting_in="wait", due_at=later)
    closing_up.close_up(NOW + SECOND)
    made[1].refresh_from_db()
    assert made[1].due_at == later
    assert workflow.live is not None
    document = workflow.live.definition
    document["settings"] |= {"windows": [{"days": ["sun"], "from": "10:00", "to": "11:00"}]}
    workflow.live = Revision.objects.create(workflow=workflow, number=3, definition=document, published_at=NOW)
    workflow.save()
    enrolling.unenroll(Enrollment.objects.filter(pk=made[2].pk), reason="by_hand", by=None, now=NOW)
    assert closing_up.close_up(NOW + SECOND) == 0, "it is Monday, when nobody may act anyway"


def test_a_limit_that_was_changed_keeps_the_order_of_those_who_wait() -> None:
    workflow = limited(1, "day")
    made = enroll(workflow, contacts(12))
    run_all(NOW)
    assert closing_up.begin_anew(workflow.pk, Limit(3, "hour"), NOW) == 11
    found = promised(workflow)
    assert found[:3] == [NOW] * 3
    assert found == sorted(found)
    assert found[-1] - NOW < dt.timedelta(hours=4)
    assert limits.throttled([f"workflow:{workflow.pk}"], NOW) == {f"workflow:{workflow.pk}": found[-1]}
    assert closing_up.begin_anew(workflow.pk, None, NOW) == 11
    assert set(Enrollment.objects.exclude(pk=made[0].pk).values_list("turn", "due_at")) == {(0, NOW)}


def test_a_limit_that_was_changed_begins_anew() -> None:
    for limit in (Limit(3, "minute"), Limit(2, "day"), Limit(3, "minute")):
        assert take("delivery:mail", limit, 9, NOW).count == limit.count
