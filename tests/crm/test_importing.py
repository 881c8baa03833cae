"""Importing messy files: bad rows never stop the rest, and every row is accounted for."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from crm.chores import waiting_since
from crm.models import Company, Contact, Deal, User
from records.associations import ids_of
from records.clock import database_now
from records.importing import running
from records.importing.plan import parse
from records.importing.reading import read
from records.importing.reporting import fault_file, report
from records.models import ImportRun, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db

MESSY = (
    "\ufeffId;Name;Amount;Close date;Account;Agent;Notes\r\n"
    '1;First;"1.234,50";31.12.2026;Cancity;Moses Frase;"two\r\nlines"\r\n'
    "2;Second;abc;1.2.2026;Cancity;moses.frase;\r\n"
    "3;;5,5;2.3.2026;Nowhere;Nobody Known;\r\n"
    "4;Fourth;;;;;\r\n"
    ";;;;;;\r\n"
    "1;First;1.234,50;31.12.2026;Cancity;Moses Frase;\r\n"
    "5;Fifth;1;30.2.2026;;;\r\n"
    "6;Sixth;1;1.2.2026;;;;;surplus\r\n"
)
PLAN = {
    "columns": {"Name": "name", "Amount": "amount", "Close date": "close_date", "Agent": "owner"},
    "create": {"Id": {"type": "text", "unique": True}, "Notes": "multi_line"},
    "upsert_by": "id_number",
    "associate": [{"column": "Account", "type": "company", "by": "name"}],
}


def messy_plan(**changes):
    plan = {**PLAN, **changes}
    plan["create"] = {"Id": {"type": "text", "unique": True, "slug": "id_number"}, "Notes": "multi_line"}
    return plan


def run_of(text, plan, slug="deal"):
    run = ImportRun.objects.create(object_type=slug, file_name="messy.csv", content=text.encode())
    running.start(run, plan)
    running.work_on(run.pk, database_now(), wait=True)
    run.refresh_from_db()
    return run


def test_every_row_of_a_messy_file_is_accounted_for(company, seller):
    run = run_of(MESSY, messy_plan())
    counts = report(run)
    assert {name: counts[name] for name in ("rows", "created", "unchanged", "failed")} == {
        "rows": 7, "created": 2, "unchanged": 1, "failed": 4,
    }  # fmt: skip
    first = Deal.objects.get(custom__id_number="1")
    assert (first.name, first.amount, first.owner) == ("First", Decimal("1234.50"), seller)
    assert first.custom["notes"].splitlines() == ["two", "lines"]
    assert ids_of(object_types["deal"], [first.pk], object_types["company"]) == {first.pk: [company.pk]}
    assert Deal.objects.get(custom__id_number="4").owner is None
    faults = {fault.line: fault.message for fault in run.faults.filter(severity="error")}
    assert any("“abc” is not a number" in message for message in faults.values())
    assert any("30.2.2026" in message for message in faults.values())
    assert any("2 cells more" in message for message in faults.values())
    assert counts["created"] + counts["updated"] + counts["unchanged"] + counts["failed"] == counts["rows"]


def test_the_error_file_holds_the_rows_and_what_to_do(company, seller):
    run = run_of(MESSY, messy_plan())
    rows = list(csv.DictReader(io.StringIO("".join(fault_file(run)))))
    [bad] = [row for row in rows if row["Id"] == "2"]
    assert bad["severity"] == "error"
    assert "is not a number" in bad["problem"]
    assert bad["Amount"] == "abc"


def test_unknown_accounts_and_owners_are_warned_of_and_the_rows_imported(company, seller):
    text = "name,account,agent\nA,Nowhere,Nobody\nB,Cancity,Moses Frase\n"
    plan = {
        "columns": {"name": "name", "agent": "owner"},
        "associate": [{"column": "account", "type": "company"}],
    }
    run = run_of(text, plan)
    assert (run.counts["created"], run.counts["unassociated"], run.counts["ownerless"]) == (2, 1, 1)
    assert sorted(fault.severity for fault in run.faults.all()) == ["warning", "warning"]
    plan["associate"][0]["create"] = True
    run = run_of(text.replace("A,", "C,").replace("B,", "D,"), plan)
    assert run.counts.get("unassociated", 0) == 0
    assert Company.objects.filter(name="Nowhere").count() == 1


def test_several_companies_of_a_name_are_not_guessed_among(company):
    Company.objects.create(name="Cancity")
    plan = {"columns": {"name": "name"}, "associate": [{"column": "account", "type": "company"}]}
    run = run_of("name,account\nA,Cancity\n", plan)
    assert run.counts["unassociated"] == 1
    assert "2 companies are called" in run.faults.get().message


def test_new_values_become_options_and_the_second_import_changes_nothing():
    plan = {"columns": {"name": "name"}, "create": {"product": "select"}, "upsert_by": "name"}
    run_of("name,product\nA,GTX Pro\n", plan)
    run = run_of("name,product\nA,GTXPro\nB,GTX Pro\n", plan)
    assert (run.counts["updated"], run.counts["created"]) == (1, 1)
    options = [option["value"] for option in PropertyDefinition.objects.get(slug="product").options]
    assert options == ["GTX Pro", "GTXPro"]
    run = run_of("name,product\nA,GTXPro\nB,GTX Pro\n", plan)
    assert run.counts["unchanged"] == 2


def test_an_interrupted_import_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(running, "SIZE", 10)
    text = "name\n" + "".join(f"D{i}\n" for i in range(25))
    run = ImportRun.objects.create(object_type="deal", file_name="a.csv", content=text.encode())
    running.start(run, {"columns": {"name": "name"}})
    running.advance(run, running.begin(run), database_now())
    run.refresh_from_db()
    assert (run.done, run.status, Deal.objects.count()) == (10, "running", 10)
    assert waiting_since(database_now()) == run.created_at
    ticked = tick(database_now())
    run.refresh_from_db()
    assert ticked.chores == 15
    assert (run.done, run.status, Deal.objects.count()) == (25, "done", 25)
    assert waiting_since(database_now()) is None


def test_an_import_that_cannot_begin_says_why_and_stops():
    text = "name,code\n" + "".join(f"D{i},{i}\n" for i in range(600))
    run = run_of(text, {"columns": {"name": "name"}, "create": {"code": "select"}})
    assert run.status == "failed"
    assert "600 different values" in run.message
    assert not Deal.objects.exists()


def test_a_preview_says_what_would_happen_and_changes_nothing(company):
    rows = running.preview(object_types["deal"], messy_plan(), read(MESSY.encode()))
    assert [row.status for row in rows][:2] == ["created", "invalid"]
    assert not Deal.objects.exists()
    assert not PropertyDefinition.objects.exists()


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        ({"columns": {"nope": "name"}}, "columns.nope"),
        ({"columns": {"name": "nope"}}, "columns.name"),
        ({"columns": {"name": "created_at"}}, "columns.name"),
        ({"columns": {"name": "name"}, "create": {"account": "planet"}}, "create.account.type"),
        ({"columns": {"name": "name"}, "create": {"account": {"slug": "stage"}}}, "create.account"),
        ({"columns": {"name": "name"}, "upsert_by": "stage"}, "upsert_by"),
        ({"columns": {"name": "name"}, "associate": [{"column": "account", "type": "planet"}]}, "associate.0.type"),
        ({"columns": {"name": "name"}, "dates": {"name": "Q"}}, "dates.name"),
        ({"columns": {"name": "name"}, "set": {"stage": "{nope}"}}, "set.stage"),
        ({"colums": {}}, "colums"),
        ({}, "columns"),
        ([], ""),
    ],
)
def test_a_wrong_plan_is_refused_with_its_path(plan, path):
    with pytest.raises(DocumentError) as caught:
        parse(plan, ["name", "account"], object_types["deal"])
    assert path in {problem.path for problem in caught.value.problems}


def test_the_command_names_what_it_does_not_understand(tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("name\nA\n")
    with pytest.raises(CommandError, match="no object type 'planets'"):
        call_command("import_records", "planets", str(file))
    with pytest.raises(CommandError, match="no property “nope”"):
        call_command("import_records", "deals", str(file), map=["name=nope"])
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_records", "deals", str(tmp_path / "none.csv"))


def test_contacts_are_found_by_email_whatever_its_case(tmp_path):
    Contact.objects.create(email="ann@example.com")
    file = tmp_path / "contacts.csv"
    file.write_text("E-Mail;First name\nANN@example.com;Ann\nbad;X\n")
    out = io.StringIO()
    call_command("import_records", "contacts", str(file), report="json", stdout=out)
    counts = json.loads(out.getvalue())
    assert (counts["updated"], counts["failed"], counts["created"]) == (1, 1, 0)
    assert Contact.objects.get().first_name == "Ann"


def test_users_keep_their_team_unless_the_file_says_another(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("who,boss\nAnn Lee,Kim\n")
    options = {"name": "who", "team": "boss", "stdout": io.StringIO()}
    call_command("import_users", str(file), **options)
    file.write_text("who,boss\nAnn Lee,Sam\n")
    call_command("import_users", str(file), **options)
    ann = User.objects.get(username="ann.lee")
    assert [str(one.team) for one in ann.memberships.all()] == ["Sam"]
    assert not ann.has_usable_password()


def test_importing_again_keeps_the_names_people_have_given():
    plan = {
        "columns": {"Amount": "amount"},
        "create": {"Key": {"type": "text", "unique": True}},
        "upsert_by": "key",
        "set": {"name": "Deal {Key}"},
    }
    run_of("Key,Amount\n1,5\n2,6\n", plan)
    Deal.objects.filter(custom__key="1").update(name="The big one")
    assert report(run_of("Key,Amount\n1,5\n2,6\n3,7\n", plan))["unchanged"] == 2
    assert sorted(Deal.objects.values_list("name", flat=True)) == ["Deal 2", "Deal 3", "The big one"]
    assert report(run_of("Key,Amount\n1,5\n", plan | {"set_existing": True}))["updated"] == 1
    assert Deal.objects.filter(name="Deal 1").exists()


@pytest.mark.parametrize(("empty", "amount"), [("keep", Decimal(5)), ("clear", None)])
def test_an_empty_cell_keeps_or_empties_as_the_plan_says(empty, amount):
    Deal.objects.create(name="One", amount=5)
    plan = {"columns": {"Name": "name", "Amount": "amount"}, "upsert_by": "name", "empty": empty}
    run_of("Name,Amount\nOne,\n", plan)
    assert Deal.objects.get().amount == amount


def test_a_plan_with_an_unknown_meaning_of_empty_cells_is_refused():
    with pytest.raises(DocumentError, match="does not say what empty cells mean"):
        parse({"columns": {"Name": "name"}, "empty": "maybe"}, ["Name"], object_types["deal"])


def test_a_stage_nobody_knows_is_told_with_those_there_are_and_stops_no_other_row():
    run = run_of("Name,Stage\nOne,Signed\nTwo,Won\n", {"columns": {"Name": "name", "Stage": "stage"}})
    assert (report(run)["created"], report(run)["failed"]) == (1, 1)
    message = run.faults.get().message
    assert "Signed" in message
    assert "prospecting, engaging" in message
    assert (Deal.objects.get().pipeline, Deal.objects.get().probability) == ("sales", 100)
