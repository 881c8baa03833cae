"""Requests of scripts leave by the one door out; secrets go in and do not come out."""

from __future__ import annotations

import json
import socket
import sys
import threading

import pytest

from tests.workflows.code.test_sandbox import children, main
from tests.workflows.outside.receiver import receiving
from tests.workflows.outside.test_door import INTO_THE_HOUSE, PUBLIC, UNREADABLE, Resolver
from workflows.code import fetching, veiling
from workflows.code.fetching import Broker
from workflows.code.sandbox import SAID, Child, Limits, run
from workflows.outside.veils import veils

USUAL = Limits(seconds=60)
#: Connections that threads of scripts' requests were about to make.
connected: list[tuple[str, int]] = []


def note(event, arguments):
    if event == "socket.connect" and threading.current_thread().name == "fetch":
        connected.append(arguments[1][:2])


sys.addaudithook(note)


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = children()
    connected.clear()
    yield
    assert children() <= before


@pytest.fixture
def receiver(settings):
    """A receiver on this machine, which the operator has named."""
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        yield found


def fetched(body, *, resolver=None, secrets=None, limits=USUAL, **fields):
    """What came of a script that gives its output x."""
    broker = Broker(resolve=resolver) if resolver else None
    return run(main(body), {"inputFields": fields}, ["x"], limits, secrets=secrets, broker=broker)


#: In the manner people write such steps elsewhere, with nothing changed for this place.
SAMPLE = """
exports.main = async (event, callback) => {
  const { email, amount } = event.inputFields;
  const response = await fetch(`${event.inputFields.base}/crm/v3/objects/contacts/search`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${process.env.CRM_TOKEN}` },
    body: JSON.stringify({ filterGroups: [{ filters: [{ propertyName: 'email', operator: 'EQ', value: email }] }] }),
  });
  if (!response.ok) {
    const error = new Error(`Search failed with ${response.status}`);
    error.response = { status: response.status };
    throw error;
  }
  const { total, results } = await response.json();
  console.log('found', total, 'with', process.env.CRM_TOKEN);
  callback({
    outputFields: {
      total, first: results[0]?.id ?? null, doubled: amount * 2, kind: response.headers.get('Content-Type'),
    },
  });
};
"""


@pytest.mark.covers("DOP-01", "DOP-05")
def test_a_step_written_for_elsewhere_asks_another_system_with_its_secret(receiver):
    found = {"total": 1, "results": [{"id": "501", "properties": {"name": "Åsa"}}]}
    receiver.answer = lambda request, line: (200, {"Content-Type": "application/json"}, json.dumps(found).encode())
    event = {"inputFields": {"email": "a@example.com", "amount": 4, "base": receiver.url}}
    came = run(SAMPLE, event, ["total", "first", "doubled", "kind"], secrets={"CRM_TOKEN": "pat-eu1-1234"})
    assert (came.fault, came.outputs) == (
        None, {"total": 1, "first": "501", "doubled": 8, "kind": "application/json"}
    )  # fmt: skip
    [got] = receiver.received
    assert (got.method, got.path) == ("POST", "/crm/v3/objects/contacts/search")
    assert got.headers["authorization"] == "Bearer pat-eu1-1234"
    assert got.document["filterGroups"][0]["filters"][0]["value"] == "a@example.com"
    assert came.console == ["found 1 with •••"]
    assert came.requests == [f"POST {receiver.url}/crm/v3/objects/contacts/search: 200"]


def test_texts_forms_and_headers_go_out_and_answers_come_back(receiver):
    receiver.answer = lambda request, line: (
        201, {"X-Seen": request.headers["content-type"], "Content-Type": "text/plain; charset=iso-8859-1"},
        request.body + "é".encode("latin-1"),
    )  # fmt: skip
    form = "new URLSearchParams({ a: '1 ö', b: 'x&y' })"
    came = fetched(
        f"const put = await fetch(event.inputFields.url, {{ method: 'put', body: {form}, headers: [['X-A', 'b']] }});"
        "const all = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => fetch(`${event.inputFields.url}/${n}`,"
        " { method: 'POST', body: String(n) }).then((one) => one.text())));"
        "const own = [put.status, put.ok, put.headers.get('x-seen'), await put.text()];"
        "return { outputFields: { x: [...own, ...all].join('|') } };",
        url=receiver.url,
    )
    kind = "application/x-www-form-urlencoded;charset=UTF-8"
    assert (came.outputs or {})["x"] == f"201|true|{kind}|a=1+%C3%B6&b=x%26yé|1é|2é|3é|4é|5é|6é|7é"
    assert receiver.received[0].method == "PUT" and receiver.received[0].headers["x-a"] == "b"


CATCHING = """
const said = {};
for (const url of event.inputFields.urls) {
  try { await fetch(url); said[url] = "answered"; } catch (error) { said[url] = error.code + " " + error.message; }
}
return { outputFields: { x: JSON.stringify(said) } };
"""


@pytest.mark.covers("DOP-01")
@pytest.mark.parametrize("part", [0, 1])
def test_no_connection_is_made_into_the_own_network_and_the_script_and_the_history_are_told(part):
    hosts = INTO_THE_HOUSE[part::2]
    urls = [f"https://{host}/x" for host in hosts]
    came = fetched(CATCHING, resolver=Resolver(), urls=urls, limits=Limits(seconds=20))
    said = json.loads((came.outputs or {})["x"])
    assert connected == []
    assert len(said) == len(urls) and all(one.startswith("NOT_ALLOWED ") for one in said.values()), said
    assert all("not allowed" in one and "WEBHOOK_ALLOWED_HOSTS" in one for one in said.values())
    assert len(came.requests) == len(urls) and all("not allowed" in line for line in came.requests)


def test_addresses_that_are_none_are_refused_before_anybody_is_asked():
    urls = [url for url in UNREADABLE if isinstance(url, str)]
    resolver = Resolver()
    came = fetched(CATCHING, resolver=resolver, urls=urls)
    said = json.loads((came.outputs or {})["x"])
    assert len(said) == len(urls) and all(one.startswith("NOT_ALLOWED ") for one in said.values()), said
    assert (resolver.asked, connected) == ([], [])


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/", "https://inside.example.com/", "//169.254.169.254/latest/"])
def test_a_redirect_into_the_house_is_not_followed(receiver, place):
    receiver.answer = lambda request, line: (302, {"Location": place}, b"")
    resolver = Resolver(**{"127.0.0.1": ["127.0.0.1"] * 9})
    came = fetched(CATCHING, resolver=resolver, urls=[receiver.url])
    assert "NOT_ALLOWED" in (came.outputs or {})["x"] and len(receiver.received) == 1
    assert {port for _host, port in connected} == {int(receiver.place.rpartition(":")[2])}
    by_hand = fetched(
        "const r = await fetch(event.inputFields.url, { redirect: 'manual' });"
        "return { outputFields: { x: r.status + r.headers.get('location') } };",
        url=receiver.url,
    )
    assert by_hand.outputs == {"x": f"302{place}"}


def test_a_name_that_means_something_else_a_moment_later_leads_nowhere():
    resolver = Resolver(**{"rebind.example.com": [PUBLIC, "127.0.0.1"]})
    came = fetched(
        CATCHING.replace("said[url] =", "said[url + Object.keys(said).length] ="),
        resolver=resolver,
        urls=["https://rebind.example.com/"] * 2,
    )
    first, second = json.loads((came.outputs or {})["x"]).values()
    assert first.startswith("NOT_REACHED") and second.startswith("NOT_ALLOWED")
    assert {host for host, _port in connected} <= {PUBLIC}


def test_an_error_nobody_catches_has_its_line_and_what_may_pass_has_a_status(settings):
    refused = fetched("\nawait fetch('https://10.0.0.1/');").fault
    assert refused and (refused.line, refused.status) == (2, 0)
    assert "10.0.0.1 (a private network)" in refused.message
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{closed.getsockname()[1]}"]
    unreached = fetched(f"await fetch('http://{settings.WEBHOOK_ALLOWED_HOSTS[0]}/');").fault
    assert unreached and unreached.status == 503 and "refused" in unreached.message


def test_how_many_and_how_large_requests_are_is_limited(receiver, monkeypatch):
    monkeypatch.setattr(fetching, "MOST", 3)
    came = fetched(CATCHING, urls=[f"{receiver.url}/{n}" for n in range(5)])
    said = list(json.loads((came.outputs or {})["x"]).values())
    assert said[:3] == ["answered"] * 3 and all("3 times in one run at most" in one for one in said[3:])
    assert len(receiver.received) == 3
    large = fetched(
        "await fetch(event.inputFields.url, { method: 'POST', body: 'x'.repeat(262145) });", url=receiver.url
    )
    assert large.fault and "262144 at most" in large.fault.message
    receiver.answer = lambda request, line: (200, {}, b"x" * 1_048_577)
    long = fetched("await fetch(event.inputFields.url);", url=receiver.url)
    assert long.fault and "more than 1048576 bytes" in long.fault.message
    receiver.answer = lambda request, line: (200, {}, b"x" * 1_048_576)
    whole = fetched(
        "return { outputFields: { x: (await (await fetch(event.inputFields.url)).text()).length } };", url=receiver.url
    )
    assert whole.outputs == {"x": 1_048_576}


def test_whoever_never_answers_does_not_keep_a_script_beyond_its_time(receiver):
    over = threading.Event()
    receiver.answer = lambda request, line: over.wait(30) and None
    try:
        came = fetched("await fetch(event.inputFields.url);", url=receiver.url, limits=Limits(seconds=1))
    finally:
        over.set()
    assert came.fault and came.fault.code in ("time", "error")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("await fetch('https://example.com/', { body: { a: 1 }, method: 'POST' });", "make it with JSON.stringify"),
        ("await fetch('https://example.com/', { body: 'a' });", "A GET request has no body"),
        ("await fetch('https://example.com/', { headers: { Host: 'x' } });", "cannot be set"),
        ("await fetch('https://example.com/', { method: 'TRACE' });", "is not a method"),
        ("await fetch();", "is not an address|does not begin with https"),
    ],
)
def test_what_cannot_be_asked_for_is_an_error_that_says_so(body, message):
    fault = fetched(body, resolver=Resolver()).fault
    assert fault and any(part in fault.message for part in message.split("|")), fault
    assert connected == []


def test_several_large_requests_at_once_all_leave(receiver):
    """Together they are more than a script may say without being heard."""
    came = fetched(
        "const all = [...Array(12).keys()].map((n) => fetch(`${event.inputFields.url}/${n}`,"
        " { method: 'POST', body: 'x'.repeat(262000) }).then((one) => one.status));"
        "return { outputFields: { x: (await Promise.all(all)).join() } };",
        url=receiver.url,
    )
    assert came.outputs == {"x": ",".join(["200"] * 12)}, came.fault
    assert {len(got.body) for got in receiver.received} == {262_000} and len(receiver.received) == 12


def test_a_line_that_is_too_long_ends_the_script():
    with Child("1;", {}, [], Limits()) as child:
        child.began = child.started
        child.said = bytearray(b"y" * (SAID + 1))
        assert child.too_much() == "output"


def test_a_process_that_forges_what_it_asks_for_gets_nothing():
    broker = Broker()
    for line in (b'{"fetch": 5}', b'{"fetch": {"id": "x"}}', b'{"fetch"', b'{"fetch": {"id": 1, "url": 5}}'):
        broker.take(line, 0.0)
    [answer] = broker.answered()
    assert answer["id"] == 1 and answer["code"] == "NOT_ALLOWED" and broker.told() == []


@pytest.mark.covers("DOP-05")
def test_secrets_are_taken_out_of_whatever_a_script_writes():
    secret = 'p"ss wörd/1'
    came = fetched(
        "const s = process.env.KEY; console.log('plain', s, { s }, encodeURIComponent(s), 'x'.repeat(990) + s);"
        "return { outputFields: { x: `it is ${s}` } };",
        secrets={"KEY": secret, "OTHER": "none of it"},
    )
    shown = json.dumps([came.console, came.outputs], ensure_ascii=False)
    assert came.outputs == {"x": "it is •••"}
    assert "wörd" not in shown and "p%22ss" not in shown and "p\\\\" not in shown
    thrown = fetched("throw new Error('with ' + process.env.KEY);", secrets={"KEY": secret}).fault
    assert thrown and thrown.message == "Error: with •••"
    asked = fetched("await fetch('https://10.0.0.1/' + process.env.KEY);", secrets={"KEY": "abcd1234"})
    assert asked.requests[0].startswith("GET https://10.0.0.1/•••: ")
    for start in (80, 160, 190):
        url = f"https://10.0.0.1/{'a' * start}"
        asked = fetched(f"await fetch('{url}/' + process.env.KEY + '?k=1');", secrets={"KEY": "s3cr3t" * 20})
        told = asked.requests[0]
        assert asked.fault and "s3cr" not in told + asked.fault.message and "k=1" not in told
        unclear = fetched(f"await fetch('{url} ' + process.env.KEY);", secrets={"KEY": "s3cr3t" * 20})
        assert unclear.fault and "s3cr" not in unclear.requests[0] + unclear.fault.message
        assert max(map(len, (told, unclear.requests[0]))) <= veiling.LINE
    assert veils(["", "ab"]) == ["ab"]
