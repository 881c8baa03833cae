"""`manage.py import_records`: records of any object type from a CSV file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from crm.import_words import WORDS
from records.clock import database_now
from records.importing.plan import EMPTY, parse
from records.importing.reading import Table, read
from records.importing.reporting import fault_file, report, sentences
from records.importing.running import preview, start, work_on
from records.importing.suggesting import suggest
from records.models import ImportRun
from records.object_types import ObjectType, object_types
from records.problems import DocumentError

EPILOG = """Columns named like a property are mapped by themselves. Example:
import_records deals pipeline.csv --map close_value=amount --create product:select --upsert-by opportunity_id
--associate account=company:name --owner sales_agent --set "name={product} – {account}|{opportunity_id}" """


class Command(BaseCommand):
    help = "Import records from a CSV file; rows that cannot be imported never stop the others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.add_argument("object_type", help="deals, contacts, …")
        parser.add_argument("file", type=Path)
        add = parser.add_argument
        add("--map", action="append", default=[], metavar="COLUMN=PROPERTY", help="empty PROPERTY: leave it out")
        add("--create", action="append", default=[], metavar="COLUMN:TYPE[:unique]", help="make a custom property")
        add("--upsert-by", metavar="PROPERTY", help="the unique property that tells which record a row means")
        add("--associate", action="append", default=[], metavar="COLUMN=TYPE[:PROPERTY[:create]]")
        add("--owner", metavar="COLUMN", help="the column with the owner's full name, username or email")
        add("--set", action="append", default=[], metavar="PROPERTY=TEMPLATE", help="{column}; | for “else”")
        add("--set-existing", action="store_true", help="apply --set to records that exist already, too")
        add("--empty", choices=EMPTY, default=EMPTY[0], help="what an empty cell does to a record that exists")
        add("--date", action="append", default=[], metavar="COLUMN=FORMAT", help="Y-m-d, m/d/Y or d.m.Y")
        add("--number", action="append", default=[], metavar="COLUMN=MARK", help="what is before decimals: . or ,")
        add("--plan", type=Path, metavar="FILE", help="a whole plan as JSON instead of the options")
        add("--user", metavar="USERNAME", help="in whose name the records are changed")
        add("--preview", action="store_true", help="show what the first rows would become; change nothing")
        add("--errors", type=Path, metavar="FILE", help="write the rows with problems there")
        add("--report", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        object_type = named(options["object_type"])
        try:
            content = options["file"].read_bytes()
            table = read(content)
            plan = json.loads(options["plan"].read_text()) if options["plan"] else plan_of(object_type, table, options)
            if options["preview"]:
                self.show(object_type, plan, table)
                return
            parse(plan, table.headers, object_type)
            run = ImportRun(
                object_type=object_type.slug,
                file_name=options["file"].name,
                content=content,
                created_by=actor(options["user"]),
            )
            run.save()
            start(run, plan)
        except (OSError, json.JSONDecodeError) as error:
            raise CommandError(str(error)) from error
        except DocumentError as error:
            raise CommandError("\n".join(f"{p.path}: {p.message}" for p in error.problems)) from error
        work_on(run.pk, database_now(), wait=True)
        run.refresh_from_db()
        self.tell(run, options)

    def show(self, object_type: ObjectType, plan: dict[str, Any], table: Table) -> None:
        for row in preview(object_type, plan, table):
            self.stdout.write(f"{row.line.number}: {row.status} {'; '.join(row.errors + row.warnings)}".rstrip())

    def tell(self, run: ImportRun, options: dict[str, Any]) -> None:
        if options["errors"]:
            with options["errors"].open("w", encoding="utf-8", newline="") as file:
                file.writelines(fault_file(run))
        if options["report"] == "json":
            self.stdout.write(json.dumps(report(run)))
        else:
            self.stdout.write("\n".join(sentences(run)))
        if run.status == ImportRun.Status.FAILED:
            raise CommandError(run.message)


def named(name: str) -> ObjectType:
    """An object type by its slug or plural."""
    for object_type in object_types.values():
        if name in (object_type.slug, object_type.plural):
            return object_type
    known = ", ".join(object_type.plural for object_type in object_types.values())
    raise CommandError(f"There is no object type {name!r}. Use one of: {known}.")


def actor(username: str | None) -> Any:
    if not username:
        return None
    user = get_user_model()._default_manager.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}. Use the username of an existing user.")
    return user


def plan_of(object_type: ObjectType, table: Table, options: dict[str, Any]) -> dict[str, Any]:
    """The plan the options describe, on top of what the columns' names suggest."""
    plan = suggest(object_type, table, WORDS.get(object_type.slug))
    columns = plan.get("columns", {}) | pairs(options["map"], "--map")
    if options["owner"]:
        columns[options["owner"]] = "owner"
    create = {}
    for text in options["create"]:
        column, _colon, facts = text.partition(":")
        kind, _colon, unique = facts.partition(":")
        create[column] = {"type": kind or "text", "unique": unique == "unique"}
    key = options["upsert_by"] or plan.get("upsert_by")
    properties = object_type.properties()
    for column, facts in plan.get("create", {}).items():
        if column == key:
            create.setdefault(column, facts)
    if key in create or (key in table.headers and key not in properties):
        create[key] = {"type": "text"} | create.get(key, {}) | {"unique": True}
    linked = [linking(text) for text in options["associate"]] or plan.get("associate", [])
    return {
        "columns": {c: s for c, s in columns.items() if s and c not in create},
        "create": create,
        "upsert_by": key,
        "associate": linked,
        "set": plan.get("set", {}) | pairs(options["set"], "--set"),
        "set_existing": options["set_existing"],
        "empty": options["empty"],
        "dates": pairs(options["date"], "--date"),
        "numbers": pairs(options["number"], "--number"),
    }


def pairs(texts: list[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"{option} needs KEY=VALUE, not {text!r}.")
        found[key.strip()] = value.strip()
    return found


def linking(text: str) -> dict[str, Any]:
    column, equals, target = text.partition("=")
    if not equals:
        raise CommandError(f"--associate needs COLUMN=TYPE:PROPERTY, not {text!r}.")
    kind, _colon, rest = target.partition(":")
    by, _colon, create = rest.partition(":")
    found: dict[str, Any] = {"column": column.strip(), "type": kind.strip(), "create": create == "create"}
    return found | ({"by": by} if by else {})
