"""Each sample of custom code does what it is there for, run as it is offered."""

from __future__ import annotations

import datetime as dt
import json
from html import unescape

import pytest

from tests.workflows.building import step
from tests.workflows.code.test_sandbox import children
from tests.workflows.outside.receiver import receiving
from workflows.code.catalogue import FOLDER, SAMPLES
from workflows.code.sandbox import Limits, run
from workflows.definitions.parsing import parse
from workflows.registries import actions
from workflows.step_forms.params import StepContext

BY_SLUG = {sample.slug: sample for sample in SAMPLES}


def ms(year, month, day):
    return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp() * 1000)


#: What goes in, and what has to come out; the object's id where it matters.
CASES = [
    ("names", {"firstname": "  aNNA-maria ", "lastname": "o'neil  åström"}, 1,
     {"firstname": "Anna-Maria", "lastname": "O'Neil Åström"}),
    ("names", {"firstname": None, "lastname": None}, 1, {"firstname": "", "lastname": ""}),
    ("email_domain", {"email": "Ann@Acme.Example"}, 1, {"domain": "acme.example", "is_private": False}),
    ("email_domain", {"email": "ann@gmail.com"}, 1, {"domain": "", "is_private": True}),
    ("lead_score", {"jobtitle": "VP Sales", "employees": 1200, "country": "Sweden", "visits": 90}, 1,
     {"score": 100, "grade": "A"}),
    ("lead_score", {"jobtitle": None, "employees": None, "country": None, "visits": None}, 1,
     {"score": 0, "grade": "C"}),
    ("territory", {"country": "Canada", "employees": 700}, 1, {"owner": "cleo", "region": "America, large"}),
    ("territory", {"country": "Peru", "employees": None}, 1, {"owner": "eve", "region": "Rest of the world"}),
    ("weighted_rotation", {}, 14, {"owner": "amy"}),
    ("weighted_rotation", {}, 18, {"owner": "cleo"}),
    ("renewal_date", {"closedate": ms(2026, 8, 31), "months": 6}, 1,
     {"renewal": ms(2027, 2, 28), "ask": ms(2027, 1, 29)}),
    ("renewal_date", {"closedate": ms(2026, 11, 30), "months": None}, 1,
     {"renewal": ms(2027, 11, 30), "ask": ms(2027, 10, 29)}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = children()
    yield
    assert children() <= before


@pytest.fixture
def receiver(settings):
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        yield found


def ran(slug, fields, pk=1, secrets=None):
    sample = BY_SLUG[slug]
    assert set(fields) == set(sample.inputs), "a sample gets what it says it needs"
    event = {"inputFields": fields, "object": {"objectType": "DEAL", "objectId": pk}, "callbackId": "1:code:1"}
    return run(sample.code, event, list(sample.outputs), Limits(seconds=20), secrets=secrets)


@pytest.mark.covers("DOP-02")
@pytest.mark.parametrize(("slug", "fields", "pk", "expected"), CASES)
def test_a_sample_runs_unchanged(slug, fields, pk, expected):
    came = ran(slug, fields, pk)
    assert (came.fault, came.outputs) == (None, expected)


@pytest.mark.covers("DOP-02")
def test_the_samples_that_reach_other_systems_run_unchanged(receiver):
    receiver.answer = answering(200, {"employees": 50, "industry": "Robotics"})
    came = ran("enrich", {"domain": "acme.example", "service": receiver.url}, secrets={"SERVICE_KEY": "k-12345678"})
    assert (came.fault, came.outputs) == (None, {"found": True, "employees": 50, "industry": "Robotics"})
    assert receiver.received[-1].path == "/v1/companies/acme.example"
    assert receiver.received[-1].headers["authorization"] == "Bearer k-12345678"
    receiver.answer = answering(404, {})
    came = ran("enrich", {"domain": "x", "service": receiver.url}, secrets={"SERVICE_KEY": "k-12345678"})
    assert (came.fault, came.outputs) == (None, {"found": False, "employees": None, "industry": None})
    receiver.answer = answering(200, {"ok": True})
    address = {"CHAT_ADDRESS": f"{receiver.url}/hooks/abc"}
    came = ran("chat_message", {"name": "Big one", "amount": 5000}, secrets=address)
    assert (came.fault, came.outputs) == (None, {"sent": True})
    assert receiver.received[-1].document == {"text": ":tada: Big one was won: €5,000.00"}
    receiver.answer = answering(201, {"id": 7})
    fields = {"crm": receiver.url, "dealname": "Big one", "amount": 1000.1}
    came = ran("renewal_deal", fields, secrets={"CRM_TOKEN": "t-12345678"})
    assert (came.fault, came.outputs) == (None, {"deal": 7, "amount": 1050.11})
    sent = receiver.received[-1]
    assert (sent.path, sent.document["properties"]["name"]) == ("/api/v1/deals/", "Big one (renewal)")


@pytest.mark.parametrize("slug", ["enrich", "chat_message", "renewal_deal"])
def test_what_may_pass_is_an_error_with_its_status_so_that_it_is_tried_again(receiver, slug):
    receiver.answer = answering(503, {"detail": "busy"})
    sample = BY_SLUG[slug]
    fields = {name: receiver.url if name in ("service", "crm") else "1" for name in sample.inputs}
    came = ran(slug, fields, secrets=dict.fromkeys(sample.secrets, f"{receiver.url}/x"))
    assert came.fault is not None and came.fault.status == 503


@pytest.mark.django_db
def test_the_page_shows_every_sample_and_its_outputs_are_of_types_that_steps_have(admin_client):
    page = unescape(admin_client.get("/admin/workflows/workflow/code-samples/").content.decode())
    for sample in SAMPLES:
        rows = [{"name": name, "type": kind} for name, kind in sample.outputs.items()]
        parsed = parse({"object": "deal", "steps": [step("code", "custom_code", code=sample.code, outputs=rows)]})
        found = actions["custom_code"].problems(parsed.by_id["code"].params, StepContext(parsed, parsed.by_id["code"]))
        assert found == [], sample.slug
        assert f'id="sample-{sample.slug}"' in page and sample.code.splitlines()[0][:40] in page
    assert {path.stem for path in FOLDER.glob("*.js")} == set(BY_SLUG), "every file is offered"


def answering(status, document):
    body = json.dumps(document).encode()
    return lambda request, line: (status, {"Content-Type": "application/json"}, body)
