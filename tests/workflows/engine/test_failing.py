"""What follows a failed step: further tries, the end, or the next step (ACG-12, ACG-13)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils.safestring import SafeString

from records.problems import DocumentError
from workflows.definitions.definition import Step
from workflows.definitions.parsing import parse
from workflows.engine.batch import Answer
from workflows.engine.failing import BACKOFF, next_try, with_sequel
from workflows.models import Outcome

NOW = dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)


def step(retries: int = 0, stops: bool = False) -> Step:
    return Step("s", "edit_record", {}, (), "", "steps.0", retries, stops)


def failure(reason: str = "unexpected", temporary: bool = False) -> Answer:
    return Answer(Outcome.FAILED, detail={"reason": reason}, temporary=temporary)


@pytest.mark.covers("ACG-12")
def test_by_default_a_failed_step_is_not_tried_again() -> None:
    assert next_try(step(), failure(), 0, NOW) is None


def test_a_step_is_tried_again_as_often_as_it_says_later_each_time() -> None:
    moments = [next_try(step(retries=3), failure(), tries, NOW) for tries in range(4)]
    assert moments[3] is None
    waits = [(moment - NOW).total_seconds() for moment in moments[:3] if moment]
    assert [round(wait / planned, 0) for wait, planned in zip(waits, BACKOFF, strict=False)] == [1, 1, 1]
    assert all(0.9 * planned <= wait <= 1.1 * planned for wait, planned in zip(waits, BACKOFF, strict=False))


@pytest.mark.covers("ACG-13")
def test_what_is_temporary_is_tried_again_without_being_asked_to() -> None:
    tries = [next_try(step(), failure(temporary=True), tries, NOW) is not None for tries in range(len(BACKOFF) + 1)]
    assert tries == [True] * len(BACKOFF) + [False]


def test_a_setting_that_is_not_valid_is_not_tried_again() -> None:
    assert next_try(step(retries=5), failure("invalid_params"), 0, NOW) is None


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("stop", "steps.0.on_failure"),
        ({"retry": -1}, "steps.0.on_failure.retry"),
        ({"retry": True}, "steps.0.on_failure.retry"),
        ({"retry": 21}, "steps.0.on_failure.retry"),
        ({"retry": "3"}, "steps.0.on_failure.retry"),
        ({"then": "explode"}, "steps.0.on_failure.then"),
        ({"times": 3}, "steps.0.on_failure.times"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_with_its_path(document: Any, path: str) -> None:
    steps = [{"id": "a", "action": "end", "on_failure": document}]
    with pytest.raises(DocumentError) as caught:
        parse({"object": "deal", "steps": steps})
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_policy_is_read() -> None:
    steps = [{"id": "a", "action": "end", "on_failure": {"retry": 3, "then": "stop"}}, {"id": "b", "action": "end"}]
    first, second = parse({"object": "deal", "steps": steps}).steps
    assert (first.retries, first.stops) == (3, True)
    assert (second.retries, second.stops) == (0, False)


@pytest.mark.parametrize(
    ("outcome", "detail", "sentence"),
    [
        ("failed", {"reason": "not_unique"}, "Why. The record went on."),
        ("failed", {"reason": "not_unique", "stops": True}, "Stopped here: Why."),
        ("failed", {"reason": "crashed"}, "Why."),
        ("skipped", {"reason": "unchanged"}, "Why."),
        (
            "retrying", {"try": 1, "of": 3, "until": "2027-03-01T09:00:00+00:00"},
            "Why. Tried again on Monday, March 1, 2027, at 9 a.m.: attempt 2 of 4.",
        ),
        ("retrying", {"reason": "retried_by_hand"}, "Why."),
    ],
)  # fmt: skip
def test_a_failed_line_says_what_followed(outcome: str, detail: dict[str, Any], sentence: str) -> None:
    assert with_sequel(SafeString("Why."), outcome, detail) == sentence
