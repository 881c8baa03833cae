"""Files that are no tables and plans that are no plans are refused with a sentence, quickly and whole."""

from __future__ import annotations

from typing import Any

import pytest

from records.importing.plan import parse
from records.importing.reading import read
from records.object_types import object_types
from records.problems import DocumentError

#: name → (content, words of the refusal)
NO_TABLES = {
    "nothing": (b"", "empty"),
    "blank lines": (b" \r\n\n ", "empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "not a text file"),
    "half of a UTF-16 file": (b"\xff\xfea\x00b", "cannot be read as text"),
    "UTF-32": ("name\nA\n".encode("utf-32"), "not a text file"),
    "one line of 10 MB": (b"x" * 10_000_000, "Line 1"),
    "a cell of 10 MB": (b"name\n" + b"y" * 10_000_000, "Line 2"),
    "a header of 100,000 columns": (b"a," * 100_000 + b"\n1\n", "1000 at most"),
    "separators only": (b",\n,,,\n", "no text"),
    "one quotation mark": (b'"', "no text"),
    "51 MB": (b"a" * 51 * 1024 * 1024, "Split it"),
}
#: name → (content, headers)
TABLES = {
    "a header only": (b"name,amount", ["name", "amount"]),
    "blank lines before the header": (b"\n,,\n\nname,amount\nA,1\n", ["name", "amount"]),
    "old Mac line ends": (b"name,amount\rA,1\r", ["name", "amount"]),
    "UTF-16 without a mark": ("name;amount\nA;1\n".encode("utf-16-le"), ["name", "amount"]),
    "Windows letters": ("name;größe\nÅsa;1\n".encode("cp1252"), ["name", "größe"]),
    "a row of a million empty cells": (b"name,amount\nA" + b"," * 1_000_000, ["name", "amount"]),
    "the same name twice and none": (b"name,name,,\nA,B,C,D\n", ["name", "name (2)", "Column 3", "Column 4"]),
}
HEADERS = ["Name", "数据", "更多", "A"]
#: name → (plan, path of the fault)
NO_PLANS: dict[str, tuple[Any, str]] = {
    "text": ("name", ""),
    "a list": ([], ""),
    "an unknown key": ({"rows": 1}, "rows"),
    "columns as a list": ({"columns": ["Name"]}, "columns"),
    "a list for a property": ({"columns": {"Name": ["name"]}}, "columns.Name"),
    "associate as a number": ({"columns": {"Name": "name"}, "associate": 5}, "associate"),
    "associate as an object": ({"columns": {"Name": "name"}, "associate": {"type": "company"}}, "associate"),
    "a list for a type": ({"associate": [{"column": "A", "type": ["company"]}]}, "associate.0.type"),
    "a list for a column": ({"associate": [{"column": ["A"], "type": "company"}]}, "associate.0.column"),
    "a list to look up by": ({"associate": [{"column": "A", "type": "company", "by": ["name"]}]}, "associate.0.by"),
    "a list to upsert by": ({"columns": {"Name": "name"}, "upsert_by": ["name"]}, "upsert_by"),
    "a list for a format": ({"columns": {"Name": "name"}, "dates": {"A": ["Y-m-d"]}}, "dates.A"),
    "SQL for an internal name": (
        {"create": {"A": {"type": "text", "unique": True, "slug": "x'); DROP TABLE crm_deal; --"}}}, "create.A.slug",
    ),
    "two columns with one internal name": ({"create": {"数据": "text", "更多": "text"}}, "create.更多.slug"),
    "a number for an internal name": ({"create": {"A": {"type": "text", "slug": 5}}}, "create.A.slug"),
    "a type that is none": ({"create": {"A": {"type": ["text"]}}}, "create.A.type"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_refused(name: str) -> None:
    content, words = NO_TABLES[name]
    with pytest.raises(DocumentError, match=words):
        read(content)


@pytest.mark.parametrize("name", TABLES)
def test_an_odd_table_is_read(name: str) -> None:
    content, headers = TABLES[name]
    assert read(content).headers == headers


@pytest.mark.django_db
@pytest.mark.parametrize("name", NO_PLANS)
def test_what_is_no_plan_is_refused_by_its_place(name: str) -> None:
    document, place = NO_PLANS[name]
    with pytest.raises(DocumentError) as caught:
        parse(document, HEADERS, object_types["deal"])
    assert place in [problem.path for problem in caught.value.problems]
