"""Files for spreadsheets: what people have written is text there, never a formula."""

import pytest

from records.spreadsheets import safe


@pytest.mark.parametrize(
    "cell", ["=1+1", "+CMD()", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋A1", "－A1", "＠A1"]
)
def test_what_a_spreadsheet_would_compute_begins_with_an_apostrophe(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Malmö", "", "+46 40 12 34 56", "-12.5", "a=b", 7, None])
def test_all_else_stays_as_it_is(cell: object) -> None:
    assert safe(cell) == cell
