"""Formulas: what they give, what is refused before they run, and that none of them gets out of hand."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import formulas_page
from workflows.formulas import functions, reading
from workflows.formulas.computing import compute, kind_given
from workflows.formulas.kinds import DATE, DATETIME, KINDS, NUMBER, TEXT
from workflows.formulas.nodes import FormulaError, Name, names_in

STOCKHOLM = zoneinfo.ZoneInfo("Europe/Stockholm")
NOW = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC)  # The 23rd in Stockholm.
VALUES = {
    "contact.first_name": "anna-karin",
    "contact.last_name": "O'NEIL",
    "contact.email": "anna@example.com",
    "contact.city": None,
    "deal.amount": Decimal("1234.5"),
    "deal.close_date": dt.date(2026, 1, 31),
    "deal.closed_at": dt.datetime(2026, 3, 28, 8, 0, tzinfo=dt.UTC),
}
KIND_OF = {
    **dict.fromkeys(("contact.first_name", "contact.last_name", "contact.email", "contact.city"), TEXT),
    "deal.amount": NUMBER, "deal.close_date": DATE, "deal.closed_at": DATETIME,
}  # fmt: skip


def run(formula):
    node = reading.read(formula)
    kind_given(node, KIND_OF.get)
    return compute(node, VALUES, functions.Run(NOW, STOCKHOLM))


def refused(formula):
    with pytest.raises(FormulaError) as error:
        run(formula)
    return str(error.value)


@pytest.mark.covers("DOP-11", "DOP-13", "DOP-14")
@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ('title(contact.first_name) & " " & title(contact.last_name)', "Anna-Karin O'Neil"),
        ('title("ANNA mcdonald McDonald d’ARC")', "Anna Mcdonald McDonald D’Arc"),
        ('capitalize("new deal")', "New deal"),
        ('after(contact.email, "@")', "example.com"),
        ('before("no mark", "@")', None),
        ('number(after("no mark", "@"))', None),
        ('date(after("no mark", "@"))', None),
        ('at(deal.close_date, before("no mark", "@"))', None),
        ('if_blank(number(" "), 7)', Decimal(7)),
        ('replace("a-b-c", "-", "")', "abc"),
        ('cut("070-12 34", " ")', "070-1234"),
        ('join(", ", contact.city, "Oslo", blank, 3)', "Oslo, 3"),
        ('concat("a", 1.50, true, deal.close_date)', "a1.5Yes2026-01-31"),
        ('left("abcd", 2) & right("abcd", 1) & middle("abcd", 2, 2)', "abdbc"),
        ("length(contact.city)", Decimal(0)),
        ("1 + 2 * 3 - 4 / 2", Decimal(5)),
        ("(1 + 2) * -3", Decimal(-9)),
        ("1 - 2 - 3", Decimal(-4)),
        ("1 / 3 * 3", Decimal(1)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("round(2.345, 2)", Decimal("2.35")),
        ("round(-2.5)", Decimal(-3)),
        ("remainder(-1, 12)", Decimal(11)),
        ('number("1,234.50") + 1', Decimal("1235.5")),
        ("format_number(deal.amount * 2, 2)", "2,469.00"),
        ("min(3, 1, blank)", Decimal(1)),
        ("max(deal.close_date, today())", dt.date(2026, 11, 23)),
        ('add_time(deal.close_date, 1, "months")', dt.date(2026, 2, 28)),
        ('add_time(date("2028-02-29"), 1, "years")', dt.date(2029, 2, 28)),
        # On Sunday clocks go from 02:00 to 03:00: a day later is the same time of day, 23 hours later by the clock.
        ('add_time(deal.closed_at, 1, "days")', dt.datetime(2026, 3, 29, 7, 0, tzinfo=dt.UTC)),
        ('add_time(deal.closed_at, 24, "hours")', dt.datetime(2026, 3, 29, 8, 0, tzinfo=dt.UTC)),
        ('subtract_time(date("2026-03-01"), 2, "weeks")', dt.date(2026, 2, 15)),
        ('time_between(deal.close_date, date("2026-03-30"), "months")', Decimal(1)),
        ('time_between(date("2026-03-30"), deal.close_date, "months")', Decimal(-1)),
        ('time_between(date("2026-01-01"), date("2026-01-20"), "weeks")', Decimal(2)),
        ('format_date(now(), "%d %B %Y, %H:%M")', "23 November 2026, 00:30"),
        ('at(date("2026-07-01"), "09:00")', dt.datetime(2026, 7, 1, 7, 0, tzinfo=dt.UTC)),
        ("end_of_month(deal.close_date)", dt.date(2026, 1, 31)),
        ("weekday(today())", Decimal(1)),
        ('if(deal.amount > 1000, "big", "small")', "big"),
        ('if(deal.amount = 0, 0, 100 / deal.amount) > 0', True),
        ('if(contact.city = blank, "nowhere", contact.city)', "nowhere"),
        ('if_blank(contact.city, "nowhere")', "nowhere"),
        ("if_blank(1, 1 / 0)", Decimal(1)),
        ('or(contact.city = "Oslo", 1 <> 2)', True),
        ("and(true, contact.city < contact.email)", False),
        ('contains("Oslo", "os")', True),
        ('“quoted” & "say ""hi"""', 'quotedsay "hi"'),
    ],
)  # fmt: skip
def test_a_formula_gives(formula, result):
    found = run(formula)
    assert (found, type(found)) == (result, type(result))


@pytest.mark.covers("DOP-14")
@pytest.mark.parametrize("formula", ["upper(contact.city)", "deal.amount + blank", "year(blank)", 'cut(blank, "a")'])
def test_a_blank_makes_the_result_blank_where_nothing_says_otherwise(formula):
    assert run(formula) is None


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("", ["empty", "Write one"]),
        ("uper(contact.email)", ["no function “uper”", "upper"]),
        ("contact.emial", ["no value “contact.emial”", "Choose"]),
        ("upper(5)", ["“upper” must be text, but is a number", "text(…)"]),
        ("round(contact.email)", ["“round” must be a number, but is text", "number(…)"]),
        ("deal.close_date + 1", ["“+” must be a number, but is a date"]),
        ('1 = "1"', ["“=” must be alike", "number(…)"]),
        ('if(1, "a", "b")', ["“if” must be yes or no", "comparison"]),
        ('if(true, 1, "b")', ["“if” must be alike"]),
        ('add_time(today(), 1, "fortnights")', ["one of: years, months"]),
        ('add_time(today(), 1, "hours")', ["hours from a date", "at(…"]),
        ("replace(contact.email)", ["replace(…) takes 3 values at least", 'replace("a-b"']),
        ("today(1)", ["today(…) takes 0 values at most"]),
        ("1 / 0", ["divide(…) cannot divide by 0", "if("]),
        ('number("abc")', ["number(…) cannot read “abc”", "cut(…)"]),
        ('date("22/11/2026")', ["date(…) cannot read", "2026-11-22"]),
        ("left(contact.email, 1.5)", ["left(…) takes whole numbers", "round(…)"]),
        ("round(1, 7)", ["round(…) takes 0 to 6 decimals, not 7"]),
        ("999999999999999999 * 999999999999999999", ["multiply(…) gives a number of more than 18 digits"]),
        ('add_time(today(), 99999999, "years")', ["add_time(…) leads beyond the years"]),
        ('format_date(today(), "%Q")', ["no “%Q”", "%Y"]),
        ('"abc', ["not closed"]),
        ("upper(contact.email", ["In upper(…) a “,” or the closing “)” is missing"]),
        ("(1", ["“(” is not closed"]),
        ("1 +", ["ends too early"]),
        ("1 2", ["“2” cannot stand there"]),
        ("{{ contact.email }}", ["cannot be read"]),
        ("__import__('os').system('true')", ["cannot be read"]),
        ("contact.__class__.__mro__", ["no value"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_the_function_and_the_remedy(formula, words):
    message = refused(formula)
    for word in words:
        assert word in message
    assert "%(" not in message


def test_every_function_has_an_example_that_it_fulfils_and_a_sentence():
    for one in functions.FUNCTIONS.values():
        node = reading.read(one.example)
        assert one.help and kind_given(node, KIND_OF.get) in KINDS
        assert run(one.example) is not None, one.name


def test_length_parts_and_depth_are_limited():
    assert "4001 characters, 4000 at most" in refused("1" + " " * 4_000)
    assert "more than 300 parts" in refused("+".join("1" * 301))
    assert run("+".join("1" * 290)) == 290
    for deep in ("(" * 500, "-" * 500 + "1", "not(" * 200, "1" + "-1" * 40, "upper(" * 31 + '"a"' + ")" * 31):
        assert "nested more than 30" in refused(deep)


def test_texts_and_the_work_on_them_are_limited():
    long = {"contact.email": "a" * 60_000}

    def over(formula):
        node = reading.read(formula)
        with pytest.raises(FormulaError) as error:
            compute(node, long, functions.Run(NOW, STOCKHOLM))
        return str(error.value)

    assert "concat(…) makes a text of more than 65000" in over("contact.email & contact.email")
    assert "replace(…) makes a text" in over('replace(contact.email, "a", contact.email)')
    assert "upper(…) makes a text" in over('upper(replace(contact.email, "a", "ŉ"))')
    lengths = " + ".join(["length(contact.email)"] * 40)
    assert "goes through too much text" in over(lengths)


formulas = st.recursive(
    st.sampled_from(['"a"', "1", "0", "blank", "true", "today()", "now()", '"days"', '"hours"', *KIND_OF, "x.y"]),
    lambda inner: st.one_of(
        st.builds(
            lambda name, values: f"{name}({', '.join(values)})",
            st.sampled_from([*functions.FUNCTIONS, "nope"]),
            st.lists(inner, max_size=3),
        ),
        st.builds(lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from("+-*/&=<"), inner),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(formulas)
def test_any_formula_is_refused_with_a_sentence_or_gives_a_value_of_its_kind(formula):
    try:
        node = reading.read(formula)
        kind = kind_given(node, KIND_OF.get)
        found = compute(node, VALUES, functions.Run(NOW, STOCKHOLM))
    except FormulaError as error:
        assert len(str(error)) > 20
        return
    types = {TEXT: str, NUMBER: Decimal, DATE: dt.date, DATETIME: dt.datetime, "boolean": bool}
    assert found is None or type(found) is types[kind], (formula, kind, found)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        assert reading.read(text)
    except FormulaError as error:
        assert str(error)


def test_names_of_results_may_have_hyphens():
    assert reading.read("output.format-data-2.result") == Name("output.format-data-2.result")
    assert list(names_in(reading.read("deal.amount-output.a.result"))) == ["deal.amount", "output.a.result"]


def test_the_page_about_formulas_tells_of_every_function():
    assert formulas_page.PAGE.read_text() == formulas_page.current(), "Run python -m tests.formulas_page."


def test_a_value_that_is_too_large_is_refused_with_a_sentence_whatever_it_went_through():
    run = functions.Run(NOW, STOCKHOLM)
    for formula in ("deal.amount", "-deal.amount", "max(deal.amount, 1)", "round(deal.amount, 2)"):
        with pytest.raises(FormulaError, match=r"large|more than 18 digits"):
            compute(reading.read(formula), {"deal.amount": Decimal("1e50")}, run)


def test_halves_are_rounded_away_from_zero_as_the_help_says():
    assert [run(f"round({value})") for value in ("2.5", "-2.5", "-2.4")] == [3, -3, -2]
    assert "halves go away from 0" in functions.FUNCTIONS["round"].help
