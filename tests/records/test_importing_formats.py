"""Files as people have them: encodings, separators, dates, numbers."""

from __future__ import annotations

import pytest

from records.importing.formats import as_iso, as_plain_number, date_format_of, decimal_mark_of
from records.importing.plan import fill
from records.importing.reading import read
from records.problems import DocumentError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_found(encoding, delimiter):
    text = delimiter.join(["name", "city"]) + "\r\n" + delimiter.join(["Åsa", "Malmö"]) + "\r\n"
    table = read(text.encode(encoding))
    assert table.delimiter == delimiter
    assert table.lines[0].cells == {"name": "Åsa", "city": "Malmö"}


def test_quoted_cells_hold_line_breaks_and_separators():
    table = read(b'name;note\nA;"one;\ntwo"\n;\n\nB;x\n')
    assert [line.cells for line in table.lines] == [{"name": "A", "note": "one;\ntwo"}, {"name": "B", "note": "x"}]
    assert [line.number for line in table.lines] == [3, 6]


def test_rows_of_another_length_and_repeated_or_missing_headers_are_coped_with():
    table = read(b"a,a,\n1\n1,2,3,4\n")
    assert table.headers == ["a", "a (2)", "Column 3"]
    assert table.lines[0].cells == {"a": "1", "a (2)": "", "Column 3": ""}
    assert table.lines[1].surplus == 1


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf \n", b"PK\x03\x04\x00\x00\x08\x00\x00\x01"])
def test_what_is_no_table_is_refused(content):
    with pytest.raises(DocumentError):
        read(content)


@pytest.mark.parametrize(
    ("values", "name", "ambiguous"),
    [
        (["2026-11-22", "2026-01-02"], "Y-m-d", False),
        (["10/20/2016", "3/1/2017"], "m/d/Y", False),
        (["31.12.2016", "1.3.2017"], "d.m.Y", False),
        (["31/12/2016"], "d.m.Y", False),
        (["3/4/2017", "1/2/2017"], "m/d/Y", True),
        (["3.4.2017"], "d.m.Y", True),
    ],
)
def test_the_format_of_a_column_of_dates_is_found(values, name, ambiguous):
    found = date_format_of(values)
    assert (found.format, found.ambiguous) == (name, ambiguous)


def test_other_columns_are_no_dates():
    assert date_format_of(["GTX", "2017-01-01"]) is None
    assert date_format_of([]) is None


def test_a_date_that_does_not_exist_is_refused_with_the_format():
    assert as_iso("3/1/2017", "m/d/Y") == "2017-03-01"
    assert as_iso("1.3.17 8:05", "d.m.Y") == "2017-03-01T08:05"
    with pytest.raises(ValueError, match="2/30/2017"):
        as_iso("2/30/2017", "m/d/Y")


@pytest.mark.parametrize(
    ("values", "mark", "ambiguous"),
    [
        (["1,234.50", "7"], ".", False),
        (["1.234,50"], ",", False),
        (["1,5", "2,75"], ",", False),
        (["1.000.000"], ",", False),
        (["1,234", "5"], ".", True),
        (["12", "7"], ".", False),
    ],
)
def test_what_stands_before_decimals_is_found(values, mark, ambiguous):
    found = decimal_mark_of(values)
    assert (found.format, found.ambiguous) == (mark, ambiguous)


@pytest.mark.parametrize(
    ("value", "mark", "plain"),
    [
        ("1,234.50", ".", "1234.50"),
        ("1.234,50 €", ",", "1234.50"),
        ("$ 1 234", ".", "1234"),
        ("1'234.5", ".", "1234.5"),
        ("-5", ".", "-5"),
        ("n/a", ".", "n/a"),
    ],
)
def test_numbers_lose_their_thousands_separators(value, mark, plain):
    assert as_plain_number(value, mark) == plain


def test_a_template_takes_the_first_alternative_whose_cells_are_filled():
    template = "{product} – {account}|{id}"
    assert fill(template, {"product": "GTX", "account": "Cancity", "id": "1"}) == "GTX – Cancity"
    assert fill(template, {"product": "GTX", "account": "", "id": "1"}) == "1"
    assert fill("USD", {}) == "USD"
