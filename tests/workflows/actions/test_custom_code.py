"""Custom code as a step: asked for in the step's transaction, run outside of it, used by later steps."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import Permission

from crm.models import Contact, Deal, Task, User
from records.problems import DocumentError
from tests.workflows import building
from tests.workflows.building import NOW, step
from workflows.code import running
from workflows.code.keeping import CHORE
from workflows.code.results import again_at
from workflows.code.running import run_waiting
from workflows.code.sandbox import Child, Finished, Limits
from workflows.definitions import checking, parsing
from workflows.definitions.permitted import refuse_new
from workflows.drafting.mentions import mentioned, renamed
from workflows.engine.taking_steps import run_due
from workflows.health import stuck
from workflows.history.telling import path_of
from workflows.models import CodeRun, Enrollment, StepExecution
from workflows.processes.ticking import tick
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db

DOUBLE = (
    "exports.main = async (event, callback) => { callback({ outputFields: { twice: event.inputFields.n * 2 } }); };"
)


def main(body: str) -> str:
    return f"exports.main = async (event, callback) => {{ {body} }};"


def code(step_id, text, inputs=None, outputs=None):
    rows = {"inputs": [{"name": name, "from": source} for name, source in (inputs or {}).items()]}
    rows["outputs"] = [{"name": name, "type": kind} for name, kind in (outputs or {}).items()]
    return step(step_id, "custom_code", code=text, **{key: found for key, found in rows.items() if found})


def run_all(now=NOW):
    """Everything due at an instant, scripts included."""
    while run_due(now) or run_waiting(now, at_once=4):
        pass


def walked(*steps, ids, object_type="contact", now=NOW):
    made = building.enroll(building.make_workflow(list(steps), object_type), ids)
    run_all(now)
    return [Enrollment.objects.get(pk=one.pk) for one in made]


def told(enrollment):
    return [str(line.sentence) for line in path_of(enrollment) if line.kind == "step"]


def problems(*steps, object_type="contact"):
    document = {"format": 1, "object": object_type, "trigger": {"kind": "manual"}, "steps": list(steps)}
    return {
        problem.path: str(problem.message) for problem in checking.errors(checking.problems(parsing.parse(document)))
    }


@pytest.mark.covers("DOP-01", "DOP-04", "DOP-06", "ACG-07", "DAT-19")
def test_inputs_go_in_and_typed_outputs_come_out_for_texts_properties_and_branches():
    owner = User.objects.create(username="amy", email="amy@example.com")
    deal = Deal.objects.create(name="Big", amount="1200.50", owner=owner, close_date=dt.date(2026, 1, 31))
    first = step("f", "format_data", format="upper", value="name")
    text = main(
        "const f = event.inputFields;"
        "callback({ outputFields: { label: [f.amount, f.close, f.owner, f.upper, f.blank].map(String).join('|'),"
        " Net: f.amount / 2, next: f.close + 86400000, at: f.close, big: f.amount > 1000, ignored: {} } });"
    )
    inputs = {
        "amount": "amount",
        "close": "close_date",
        "owner": "owner",
        "upper": "output.f.result",
        "blank": "currency",
    }
    kinds = {"label": "text", "Net": "number", "next": "date", "at": "datetime", "big": "boolean", "unset": "phone"}
    script = code("js", text, inputs, kinds)
    copied = step("copy", "edit_record", property="close_date", copy_from="output.js.next")
    formula = step("sum", "format_data", format="formula", formula="output.js.Net + 1")
    task = step("task", "create_task", title="{{ output.js.label }} {{ output.js.Net }}")
    ways = [{"name": "Big", "values": [True], "steps": [task]}, {"name": "Else", "steps": []}]
    steps = [first, script, copied, formula, step("split", "value_branch", ways, output="js.big")]
    assert problems(*steps, object_type="deal") == {}
    (made,) = walked(*steps, ids=[deal.pk], object_type="deal")
    assert made.status == "completed", told(made)
    stamp = int(dt.datetime(2026, 1, 31, tzinfo=dt.UTC).timestamp() * 1000)
    label = f"1200.5|{stamp}|amy|BIG|null"
    assert made.outputs["js"] == {
        "label": label, "Net": 600.25, "next": "2026-02-01", "at": "2026-01-31T00:00:00+00:00", "big": True,
        "unset": None,
    }  # fmt: skip
    assert made.outputs["sum"] == {"result": 601.25}
    deal.refresh_from_db()
    assert deal.close_date == dt.date(2026, 2, 1)
    assert Task.objects.get().title == f"{label} 600.25"
    assert not CodeRun.objects.exists()


@pytest.mark.covers("DOP-09")
def test_the_history_says_what_came_of_it_and_shows_the_console():
    contact = Contact.objects.create(first_name="Åsa")
    script = code(
        "js", main("console.log('<b>hi</b>', 1); callback({ outputFields: { x: '<i>' } });"), {}, {"x": "text"}
    )
    (made,) = walked(script, ids=[contact.pk])
    waiting, done = told(made)
    assert waiting == "The code is run by another process."
    assert "and gave x: &lt;i&gt;" in done and '<code class="console">&lt;b&gt;hi&lt;/b&gt; 1</code>' in done
    assert " ms, " in done


@pytest.mark.parametrize(
    ("text", "outputs", "sentence"),
    [
        (main("for (;;) {}"), {}, "Custom code stopped: it took more than 1 seconds."),
        (main("const a = []; for (;;) a.push(new Array(1e4).fill(a.length));"), {}, "more than 128 MB of memory"),
        (main("\nthrow new Error('no good');"), {}, "The code threw an error in line 2: Error: no good"),
        ("exports.main = (", {}, "The code cannot be read: SyntaxError"),
        ("1;", {}, "The code has no exports.main."),
        (main("return { outputFields: { x: 'seven' } };"), {"x": "number"}, "is “seven”, which does not fit its type"),
        (main("return { outputFields: { x: 1e300 } };"), {"x": "date"}, "there is no such instant"),
        (main("return { outputFields: { x: {} } };"), {"x": "text"}, "JSON.stringify"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_told_with_the_remedy_and_the_record_goes_on(settings, text, outputs, sentence):
    settings.CUSTOM_CODE_SECONDS = 1 if "for (;;) {}" in text else 20
    contact, other = Contact.objects.create(), Contact.objects.create()
    (made, _other) = walked(
        code("js", text, {}, outputs),
        step("e", "edit_record", property="city", value="Oslo"),
        ids=[contact.pk, other.pk],
    )
    assert sentence in told(made)[1] and "The record went on." in told(made)[1]
    assert made.status == "completed"
    contact.refresh_from_db()
    assert contact.city == "Oslo"


def test_no_transaction_is_open_while_scripts_run_and_slow_ones_keep_nobody_waiting(settings):
    """While one workflow's scripts hang, a step of another is done, and another workflow's script has its turn."""
    settings.CUSTOM_CODE_SECONDS = 60
    slow = building.make_workflow([code("js", main("for (;;) {}"))])
    quick = building.make_workflow([code("js", DOUBLE, {"n": "lead_score"}, {"twice": "number"})])
    people = [Contact.objects.create(lead_score=n).pk for n in range(4)]
    hung = building.enroll(slow, people)
    fast = building.enroll(quick, people[:1])
    while run_due(NOW):
        pass
    seen = []

    def go_on():
        done = CodeRun.objects.filter(pk=fast[0].pk, due_at=None).exists()
        seen.append(done)
        return not done

    assert run_waiting(NOW, at_once=2, go_on=go_on) >= 1
    assert seen[-1]
    # Broken off: what hangs is free again and counts for nothing.
    assert set(CodeRun.objects.filter(pk__in=[one.pk for one in hung]).values_list("claim", "attempts")) == {(None, 0)}


@pytest.mark.covers("DOP-08")
def test_errors_of_servers_are_run_again_for_three_days_and_others_never():
    contact = Contact.objects.create()
    thrown = main("throw Object.assign(new Error('busy'), { response: { status: 429 } });")
    (made,) = walked(code("js", thrown), ids=[contact.pk])
    assert "The code threw “Error: busy”, which may pass. Run again on" in told(made)[1]
    run = CodeRun.objects.get()
    assert (run.due_at, run.tries, run.result) == (NOW + dt.timedelta(minutes=1), 1, None)
    due = run.due_at
    result, waits = {"fault": {"code": "error", "status": 503}}, [1]
    while again := again_at(result, len(waits), NOW, due):
        waits.append(round((again - due).total_seconds() / 60))
        due = again
    assert waits[:6] == [1, 5, 30, 120, 240, 480] and set(waits[5:]) == {480}
    assert due <= NOW + dt.timedelta(days=3) < due + dt.timedelta(hours=8)
    CodeRun.objects.update(since=NOW - dt.timedelta(days=3))
    run_all(run.due_at)
    made.refresh_from_db()
    assert made.status == "completed"
    assert told(made)[-1].startswith("The code threw an error in line 1: Error: busy")
    (once,) = walked(code("js", main("throw Object.assign(new Error('no'), { status: 404 });")), ids=[contact.pk])
    assert once.status == "completed"


def test_a_runner_that_dies_is_replaced_and_after_three_deaths_the_step_fails():
    contact = Contact.objects.create(lead_score=4)
    made = building.enroll(
        building.make_workflow([code("js", DOUBLE, {"n": "lead_score"}, {"twice": "number"})]), [contact.pk]
    )[0]
    run_due(NOW)
    CodeRun.objects.update(claim="00000000-0000-0000-0000-000000000001", due_at=NOW, attempts=2)
    run_all()
    assert Enrollment.objects.get(pk=made.pk).outputs["js"] == {"twice": 8}
    again = building.enroll(building.make_workflow([code("js", DOUBLE)]), [contact.pk])[0]
    run_due(NOW)
    CodeRun.objects.update(attempts=3)
    run_all()
    assert "broke off three times" in told(Enrollment.objects.get(pk=again.pk))[1]


def test_nul_and_halves_of_signs_are_told_as_signs_that_can_be_kept():
    contact = Contact.objects.create()
    nul, half = "'a' + String.fromCharCode(0)", "'b' + String.fromCharCode(0xd800)"
    written = code(
        "js", main(f"console.log({nul}, {half}); return {{ outputFields: {{ x: {nul} }} }};"), {}, {"x": "text"}
    )
    thrown = code("no", main(f"throw new Error({nul} + {half});"))
    (made,) = walked(written, thrown, ids=[contact.pk])
    assert made.outputs["js"] == {"x": "a␀"} and made.status == "completed"
    assert "a␀ b\ufffd" in told(made)[1] and "Error: a␀b\ufffd" in told(made)[-1]


def test_a_result_that_cannot_be_kept_has_broken_off():
    contact = Contact.objects.create()
    made = building.enroll(building.make_workflow([code("js", DOUBLE)]), [contact.pk])[0]
    run_due(NOW)
    token = uuid.uuid4()
    run = running.claim(token, NOW)
    with Child("1;", {}, [], Limits()) as child:
        running.end(running.Running(run, token, child), Finished({"x": float("nan")}, None), NOW)
    run_due(NOW)
    assert "ended without a word" in told(Enrollment.objects.get(pk=made.pk))[-1]


def test_who_leaves_meanwhile_is_not_brought_back():
    contact = Contact.objects.create()
    made = building.enroll(building.make_workflow([code("js", DOUBLE)]), [contact.pk])[0]
    run_due(NOW)
    Enrollment.objects.filter(pk=made.pk).update(status="unenrolled", due_at=None, step="")
    assert run_waiting(NOW) == 1
    assert not CodeRun.objects.exists()
    assert Enrollment.objects.get(pk=made.pk).due_at is None


def test_ticks_run_scripts_and_waiting_for_one_is_not_being_stuck():
    contact = Contact.objects.create(lead_score=1)
    made = building.enroll(
        building.make_workflow([code("js", DOUBLE, {"n": "lead_score"}, {"twice": "number"})]), [contact.pk]
    )[0]
    run_due(NOW)
    late = NOW + dt.timedelta(minutes=11)
    assert [found.rule.code for found in stuck.find(late) if found.workflow == made.workflow_id] == ["code_not_run"]
    assert CHORE.waiting_since(NOW) == NOW
    tick(NOW)
    assert Enrollment.objects.get(pk=made.pk).status == "completed"
    assert CHORE.waiting_since(late) is None


def test_it_can_be_switched_off(settings):
    settings.CUSTOM_CODE = False
    script = code("js", DOUBLE)
    assert "switched off" in problems(script)["steps.0.params"]
    assert actions["custom_code"].unavailable()
    (made,) = walked(script, ids=[Contact.objects.create().pk])
    assert "switched off" in told(made)[1]


@pytest.mark.covers("LIM-12", "DOP-06")
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"code": ""}, "“JavaScript” is missing. Fill it in."),
        ({"code": "  \n "}, "There is no code."),
        ({"code": "x" * 100_001}, "longer than 100000 characters"),
        ({"inputs": [{"name": "a", "from": "nothing"}]}, "“nothing” for the input “a” is no value that can be had."),
        ({"inputs": [{"name": "a b", "from": "city"}]}, "“a b” in row 1 is no name."),
        ({"inputs": [{"name": "a", "from": "city"}] * 2}, "The name “a” is there twice."),
        ({"inputs": [{"name": f"a{n}", "from": "city"} for n in range(51)]}, "50 at most"),
        ({"outputs": [{"name": "outcome", "type": "text"}]}, "cannot be called “outcome”"),
        ({"outputs": [{"name": "x", "type": "user"}]}, "“user” is no type of the output “x”."),
        ({"outputs": [{"name": "x", "type": "text", "more": 1}]}, "“more” in row 1 is not known."),
        ({"outputs": {"x": "text"}}, "is not a list"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(params, message):
    found = problems(step("js", "custom_code", **{"code": DOUBLE, **params}))
    assert any(message in problem for problem in found.values()), found


def test_only_who_has_the_right_writes_code_or_changes_it():
    author, editor = (
        User.objects.create(username="amy", is_staff=True),
        User.objects.create(username="ben", is_staff=True),
    )
    change, write = (
        Permission.objects.get(content_type__app_label="workflows", codename=name)
        for name in ("change_workflow", "write_code")
    )
    editor.user_permissions.add(change)
    author.user_permissions.add(change, write)

    def store(user, document):
        refuse_new({"steps": [code("js", DOUBLE)]}, document, user)

    with pytest.raises(DocumentError, match="Can write custom code in workflows"):
        store(editor, {"steps": [code("js", DOUBLE + "//")]})
    with pytest.raises(DocumentError):
        store(editor, {"steps": [code("js", DOUBLE), code("copy", DOUBLE)]})
    store(author, {"steps": [code("js", DOUBLE + "//")]})
    # Moving it, or changing what goes in, is an edit like any other.
    store(editor, {"steps": [step("e", "end"), code("js", DOUBLE, {"n": "lead_score"})]})


def test_a_script_speaks_of_no_steps_when_it_is_copied():
    params = code("js", "const output = {}; output.other.result", {"x": "output.f.result"})["params"]
    assert mentioned(params) == {"f"}
    assert renamed(params, {"f": "g", "other": "changed"})["code"] == params["code"]


def test_a_card_says_what_the_step_does():
    document = {"format": 1, "object": "contact", "steps": [code("js", DOUBLE, {}, {"twice": "number"})]}
    parsed = parsing.parse(document)
    context = StepContext(parsed, parsed.by_id["js"])
    action = actions["custom_code"]
    assert action.describe(context.step.params, context) == "1 line of JavaScript, which gives twice"
    assert action.describe({"code": "a\nb"}, context) == "2 lines of JavaScript"
    assert StepExecution.objects.count() == 0
