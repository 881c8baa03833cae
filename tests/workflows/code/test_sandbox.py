"""Scripts of every kind: what is good comes back, what is bad is stopped and named, and nothing is left of either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workflows.code.sandbox import Child, Limits, run

SHORT = Limits(seconds=1, megabytes=64)
#: A script in the manner people write them elsewhere, with nothing changed for this place.
SAMPLE = """
// Rounds a deal's amount and says which kind of customer it is.
const TIERS = { gold: 50000, silver: 10000 };

function tierOf(amount) {
  return Object.keys(TIERS).find((name) => amount >= TIERS[name]) || 'bronze';
}

exports.main = async (event, callback) => {
  const firstname = event.inputFields['firstname'];
  const amount = Number(event.inputFields['amount']);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  try {
    await wait(5);
    console.log('Checking %s', firstname, { amount });
    const formatted = amount.toLocaleString('de-DE', { style: 'currency', currency: 'EUR' });
    callback({
      outputFields: {
        tier: tierOf(amount),
        greeting: `Hej ${firstname}, ${formatted}`,
        big: amount > 20000,
        rounded: Math.round(amount / 100) * 100,
        object: event.object.objectType + ':' + event.object.objectId,
      },
    });
  } catch (err) {
    console.error(err);
    throw err;
  }
};
"""
EVENT = {"inputFields": {"firstname": "Åsa", "amount": "51234.5"}, "object": {"objectType": "DEAL", "objectId": 7}}


def children() -> set[int]:
    """The processes this one has started that have not been taken away."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = children()
    yield
    assert children() <= before


def main(body: str) -> str:
    return f"exports.main = async (event, callback) => {{ {body} }};"


def outputs(body: str, *names: str, event=None):
    found = run(main(body), event or {"inputFields": {}}, names or ["x"], Limits(seconds=10))
    assert found.fault is None, found.fault
    return found.outputs


def fault(code: str):
    found = run(code, {"inputFields": {}}, ["x"], Limits(seconds=10, megabytes=64))
    assert found.fault is not None and found.outputs is None, found
    return found.fault


def together(codes, limits, at_once=12):
    """What came of several scripts that run at the same time, in their order."""
    waiting, running, done = list(enumerate(codes)), {}, {}
    while waiting or running:
        while waiting and len(running) < at_once:
            number, code = waiting.pop(0)
            running[number] = Child(code, {"inputFields": {}}, ["x"], limits)
        for number, child in list(running.items()):
            if (found := child.look()) is not None:
                done[number] = found
                del running[number]
        time.sleep(0.01)
    return [done[number] for number in range(len(codes))]


@pytest.mark.covers("DOP-01", "DOP-04", "DOP-06", "DOP-09")
def test_a_script_written_for_elsewhere_runs_unchanged():
    found = run(SAMPLE, EVENT, ["tier", "greeting", "big", "rounded", "object", "unset"])
    assert found.fault is None
    assert found.outputs == {
        "tier": "gold", "greeting": "Hej Åsa, 51.234,50\xa0€", "big": True, "rounded": 51200, "object": "DEAL:7",
        "unset": None,
    }  # fmt: skip
    assert found.console == ['Checking Åsa {"amount":51234.5}']
    assert found.milliseconds >= 5 and found.kilobytes >= 0


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return { outputFields: { x: 1.5 } };", 1.5),
        ("callback({ outputFields: { x: 'first' } }); callback({ outputFields: { x: 'second' } });", "first"),
        ("return { outputFields: { x: new Date(86400000) } };", 86_400_000),
        ("return { outputFields: { x: 'a\\uD800b' } };", "a�b"),
        ("return undefined;", None),
        ("return { outputFields: { x: atob(btoa('åäö')) } };", "åäö"),
        ("return { outputFields: { x: new TextDecoder().decode(new TextEncoder().encode('é€')) } };", "é€"),
        ("return { outputFields: { x: ['a', 'bc', 'abc', 'abcd'].map(btoa).join() } };", "YQ==,YmM=,YWJj,YWJjZA=="),
        (
            "const at = new Date(0).toLocaleTimeString('sv', { timeZone: 'Asia/Tokyo' });"
            " return { outputFields: { x: at } };",
            "09:00:00",
        ),
        (
            "let n = 0; await new Promise((done) => { const t = setInterval(() => { n += 1;"
            " if (n === 3) { clearInterval(t); done(); } }, 1); }); return { outputFields: { x: n } };",
            3,
        ),
    ],
)  # fmt: skip
def test_what_a_script_gives_back_is_had(body, result):
    assert outputs(body) == {"x": result}


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("exports.main = (event, callback) => { setTimeout(() => callback({ outputFields: { x: 1 } }), 5); };", 1),
        ("module.exports = { main: (event) => ({ outputFields: { x: 2 } }) };", 2),
        ("module.exports.main = (event, callback) => callback({ outputFields: { x: 3 } });", 3),
        ("const { x } = { x: 4 }; exports.main = () => ({ outputFields: { x } });", 4),
    ],
)  # fmt: skip
def test_a_script_may_be_written_in_several_ways(code, result):
    found = run(code, {"inputFields": {}}, ["x"], Limits(seconds=10))
    assert (found.fault, found.outputs) == (None, {"x": result})


NEVER_ENDING = [
    "while (true) {}",
    main("while (true) {}"),
    main("for (;;) await null;"),
    main("await new Promise(() => {});"),
    "exports.main = (event, callback) => {};",
    main("/^(a+)+$/.test('a'.repeat(40) + '!');"),
    main("return { outputFields: { get x() { for (;;) {} } } };"),
    main("return { get outputFields() { for (;;) {} } };"),
    main("return { then() { for (;;) {} } };"),
    main("throw { get stack() { for (;;) {} } };"),
    main("console.log({ toJSON() { for (;;) {} } });"),
    main("JSON.stringify = () => { for (;;) {} }; Promise.prototype.then = () => {}; await null; for (;;) {}"),
]


@pytest.mark.covers("DOP-07", "LIM-12")
def test_what_never_ends_is_stopped():
    found = dict(zip(NEVER_ENDING, together(NEVER_ENDING, SHORT), strict=True))
    assert {code: one.fault and one.fault.code for code, one in found.items()} == dict.fromkeys(NEVER_ENDING, "time")


FILLING = [
    main("const all = []; for (;;) all.push(new Array(1000).fill(all.length));"),
    main("let text = 'ab'; const all = []; for (;;) { text += text.slice(0, 1e7); all.push([...text]); }"),
    main("const all = new Map(); for (let i = 0; ; i++) all.set(i, { i, text: `number ${i}` });"),
]


@pytest.mark.covers("DOP-07", "LIM-12")
def test_what_fills_the_memory_is_stopped():
    found = dict(zip(FILLING, together(FILLING, Limits(seconds=20, megabytes=64)), strict=True))
    assert {code: one.fault and one.fault.code for code, one in found.items()} == dict.fromkeys(FILLING, "memory")


FORBIDDEN = [
    (main("return { outputFields: { x: new Uint8Array(1e9).length } };"), "Array buffer allocation failed"),
    (main("for (let i = 0, a = []; i < 64; i++) a.push(new Uint8Array(64e6).fill(1));"), "allocation failed"),
    (main("let text = 'ab'; for (;;) text += text;"), "Invalid string length"),
    (main("const deep = () => deep() + 1; deep();"), "Maximum call stack size exceeded"),
    (main("return { outputFields: { x: 'y'.repeat(50e6) } };"), "65000 at most"),
    (main("return { outputFields: { x: 'y'.repeat(65001) } };"), "has 65001 characters"),
    (main("const x = {}; x.x = x; return { outputFields: { x } };"), "JSON.stringify"),
    (main("return { outputFields: { x: 10n } };"), "bigint"),
    (main("return { outputFields: { x: NaN } };"), "NaN"),
    (main("return { outputFields: { get x() { throw new Error('got at'); } } };"), "got at"),
    (main("await import('fs');"), "Not supported"),
    (main("await fetch('http://127.0.0.1/');"), "is not encrypted. Use https."),
    (main("await fetch('https://127.0.0.1/');"), "127.0.0.1 (this machine itself)"),
    (main("const axios = require('axios');"), "“axios” cannot be loaded"),
    (main("process.exit(1);"), "process.exit is not a function"),
    (main("process.env.PATH = 'x'; 'use strict'; return process.env.PATH.length;"), "undefined"),
    (main("return this.constructor.constructor('return process.binding(\"fs\")')();"), "not a function"),
    (main("return (() => {}).constructor('return process.mainModule.require(\"fs\")')();"), "reading 'require'"),
    (main("return WebAssembly.compile;"), "WebAssembly is not defined"),
    (main("return Deno.cwd();"), "Deno is not defined"),
    (main("setTimeout(() => { throw new Error('in a timer'); }, 1); await new Promise(() => {});"), "in a timer"),
    (main("throw 'only a text';"), "only a text"),
    (main("throw null;"), "null"),
    (main("throw { get message() { throw 1; }, toString() { throw 2; } };"), "?"),
    ("exports.main = (event, callback) => callback(new Error('by callback'));", "by callback"),
    ("throw new Error('at the top');", "at the top"),
]  # fmt: skip


def test_what_a_script_must_not_do_is_an_error_that_says_so():
    found = together([code for code, _message in FORBIDDEN], Limits(seconds=10), at_once=4)
    for (code, message), one in zip(FORBIDDEN, found, strict=True):
        assert one.outputs is None and one.fault, code
        assert one.fault.code in ("error", "output") and message in one.fault.message, (code, one.fault)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("\n\nexports.main = async ( => {};", 3),
        ("import fs from 'fs';\nexports.main = 1;", 1),
        ("'\\u{'", 1),
        ("{", 1),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(code, line):
    found = fault(code)
    assert (found.code, found.line) == ("syntax", line) and "SyntaxError" in found.message


def test_an_error_is_told_with_its_line():
    found = fault(
        "const x = 1;\nfunction inner() {\n  throw new TypeError('here');\n}\nexports.main = async () => inner();"
    )
    assert (found.code, found.line, found.message) == ("error", 3, "TypeError: here")
    assert fault("const x = 1;\nnothing.at.all;").line == 2


@pytest.mark.parametrize("code", ["", "const x = 1;", "exports.main = 5;", "exports = null; module = null;"])
def test_a_script_without_main_is_told_so(code):
    assert fault(code).code == "missing"


def test_a_script_changes_only_its_own_world():
    """Prototypes, globals and the wrapper's own tools may be ruined: whoever does it ruins their own result."""
    ruin = """
    Object.prototype.polluted = 'yes'; Object.prototype.error = { message: 'forged' }; Array.prototype.map = null;
    Object.defineProperty(Object.prototype, 'outputs', { get() { return { x: 'forged' }; } });
    for (const name of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[name]; } catch {} }
    """
    found = run(ruin + "exports.main = async () => ({ outputFields: { x: 1 } });", {}, ["x"], SHORT)
    assert found.fault is None or found.fault.code in ("missing", "error", "output", "time", "broke_off")
    assert outputs("return { outputFields: { x: String({}.polluted) + [1].map(String) } };") == {"x": "undefined1"}


@pytest.mark.covers("DOP-10")
def test_every_run_begins_afresh():
    code = "let count = 0; globalThis.seen = (globalThis.seen || 0) + 1;" + main(
        "count += 1; return { outputFields: { x: count + seen } };"
    )
    assert [run(code, {}, ["x"]).outputs for _time in range(2)] == [{"x": 2}, {"x": 2}]


@pytest.mark.covers("DOP-09")
def test_the_console_is_kept_up_to_a_limit():
    found = run(main("for (let i = 0; i < 10000; i++) console.log('line', i); console.warn('x'.repeat(1e6));"), {}, [])
    assert found.fault is None
    assert found.console[:2] == ["line 0", "line 1"] and len(found.console) == 100 and found.more == 9_901
    long = run(main("console.log('x'.repeat(1e6)); console.log(null, undefined, 1n, Symbol('s'), () => 1);"), {}, [])
    assert len(long.console[0]) == 1_001 and long.console[1].startswith("null undefined 1n Symbol(s) [function")
    stopped = run(main("console.log('before it hangs'); while (true) {}"), {}, [], SHORT)
    assert (stopped.fault and stopped.fault.code, stopped.console) == ("time", ["before it hangs"])


def test_a_script_as_long_as_a_book_is_read():
    code = "// " + "x" * 99_000 + "\n" + main("return { outputFields: { x: 1 } };")
    assert run(code, {"inputFields": {"text": "y" * 500_000}}, ["x"]).outputs == {"x": 1}


@pytest.mark.parametrize("status", ["status: 503", "statusCode: 429", "code: 500", "response: { status: 502 }"])
def test_the_status_of_an_error_is_had(status):
    found = fault(main(f"throw Object.assign(new Error('gone'), {{ {status} }});"))
    assert found.status == int("".join(sign for sign in status if sign.isdigit()))
    assert (
        fault(main("throw Object.assign(new Error('no'), { code: 'ECONNRESET', status: { then: 1 } });")).status == 0
    )


PROBE = """
import sys, os, json, ctypes, socket
sys.path.insert(0, {here!r})
import child
child.confine({{"seconds": 5, "megabytes": 64}})
said = {{}}
def attempt(name, act):
    try:
        act()
        said[name] = "done"
    except OSError as error:
        said[name] = error.errno
attempt("open", lambda: open("/etc/passwd"))
attempt("write", lambda: os.open("/tmp/headrace-probe", os.O_CREAT | os.O_WRONLY))
attempt("socket", lambda: socket.socket())
attempt("fork", os.fork)
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("kill", lambda: os.kill(os.getppid(), 0))
attempt("unlink", lambda: os.unlink("/tmp/nothing"))
attempt("pipe", lambda: [os.pipe() for _ in range(20)])
from threading import Thread
other = Thread(target=lambda: attempt("open in a thread", lambda: open("/etc/passwd")))
said["user"] = os.getuid()
print(json.dumps(said), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
def test_not_even_the_process_around_the_script_can_touch_anything():
    here = Path(sys.modules[Child.__module__].__file__ or "").parent
    done = subprocess.run([sys.executable, "-I", "-c", PROBE.format(here=str(here))], capture_output=True, timeout=60)
    said = json.loads(done.stdout)
    for name in ("open", "write", "socket", "fork", "exec", "kill", "unlink"):
        assert said[name] == 1, said
    assert said["pipe"] == 24, said
    assert said["user"] != 0


def test_a_script_has_no_environment_and_no_input():
    os.environ["HEADRACE_PROBE"] = "secret"
    code = main(
        "const of = (one) => Object.getOwnPropertyNames(one).sort().join();"
        "return { outputFields: { x: of(globalThis), y: of(process) + of(process.env) } };"
    )
    found = run(code, {}, ["x", "y"]).outputs or {}
    names = found["x"].split(",")
    assert found["y"] == "env"
    assert not {"Deno", "Bun", "python", "__mr", "WebAssembly", "SharedArrayBuffer", "Atomics"} & set(names)
    assert {"console", "setTimeout", "exports", "module"} <= set(names)


def test_closing_a_child_kills_it_at_once():
    child = Child(main("for (;;) await null;"), {}, [], Limits())
    assert child.look() is None
    child.close()
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child.process.pid, 0)


#: Scripts that come to no result, at once.
BAD = [
    main("throw new Error('no');"),
    "exports.main = (",
    main("return { outputFields: { x: new Uint8Array(1e9) } };"),
]


def test_runs_one_after_the_other_leave_nothing():
    """As many as the environment asks for: HEADRACE_CODE_RUNS=200 is the long run; every third is a bad one."""
    before, descriptors = children(), len(os.listdir("/proc/self/fd"))
    for number in range(int(os.environ.get("HEADRACE_CODE_RUNS", "9"))):
        if number % 3 == 2:
            found = run(BAD[number // 3 % len(BAD)], {"inputFields": {}}, ["x"])
            assert found.fault and found.fault.code in ("error", "syntax")
        else:
            double = main("return { outputFields: { x: event.inputFields.n * 2 } };")
            assert run(double, {"inputFields": {"n": number}}, ["x"]).outputs == {"x": number * 2}
        assert children() <= before
    assert len(os.listdir("/proc/self/fd")) == descriptors
