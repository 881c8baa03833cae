"""Which records can be associated with which: every pair once, so that both ends say the same."""

from __future__ import annotations

PEOPLE = ("contact", "company")
WORKED_ON = (*PEOPLE, "deal", "ticket", "quote", "lead", "project")
#: Workflows for one of these have the others as data sources by themselves (DAT-03).
SOURCES = (*PEOPLE, "deal", "ticket")
#: What is paid for: its ways of being offered, billed and paid.
BILLED = ("quote", "recurring_subscription", "payment", "invoice")

#: A type → those it can be associated with; a pair counts both ways. Types are shown in the order of this table.
PAIRS: dict[str, tuple[str, ...]] = {
    "contact": ("contact", "company", "deal", "ticket", "task", "note", "conversation"),
    "company": ("company", "deal", "ticket", "task", "note", "conversation"),
    "deal": ("deal", "ticket", "task", "note", "conversation"),
    "ticket": ("ticket", "task", "note", "conversation"),
    "task": ("task", "note", "conversation"),
    "note": ("note", "conversation"),
    "meeting": (*WORKED_ON, "task", "note"),
    "call": (*WORKED_ON, "task", "note"),
    "email": (*WORKED_ON, "task", "note"),
    "conversation": ("quote", "lead"),
    "line_item": ("contact", "deal", *BILLED),
    "quote": (*PEOPLE, "deal", "task", "note", "recurring_subscription", "payment", "invoice"),
    "recurring_subscription": (*PEOPLE, "deal", "task", "note", "payment", "invoice"),
    "payment": (*PEOPLE, "deal", "task", "note", "invoice"),
    "invoice": (*PEOPLE, "deal", "task", "note"),
    "feedback_submission": (*PEOPLE, "ticket", "task", "note"),
    "lead": (*PEOPLE, "deal", "task", "note"),
    "project": (*PEOPLE, "deal", "ticket", "task", "note"),
}


def links(slug: str) -> tuple[str, ...]:
    """The types that records of a type can be associated with."""
    return tuple(other for other, named in PAIRS.items() if slug in named or other in PAIRS[slug])


def sources(slug: str) -> tuple[str, ...]:
    """The types whose records workflows for a type have as data sources by themselves."""
    return tuple(other for other in SOURCES if other != slug)
