"""Labels of associations: what becomes of the rows, and what the journal says."""

from __future__ import annotations

import pytest

from crm.models import Company, Contact
from records.associations import associate, dissociate
from records.labelling import add_label, one_primary_each, replace_label
from records.models import Association, Change

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    contact, company = Contact.objects.create(email="a@example.com"), Company.objects.create(name="Acme")
    return contact.pk, company.pk


def labels(pair, mirrored=False):
    ends = {"from_type": "contact", "from_id": pair[0], "to_type": "company", "to_id": pair[1]}
    if mirrored:
        ends = {"from_type": "company", "from_id": pair[1], "to_type": "contact", "to_id": pair[0]}
    return sorted(Association.objects.filter(**ends).values_list("label", flat=True))


@pytest.mark.parametrize(
    ("had", "verb", "left", "changes"),
    [
        ([], lambda p: add_label("contact", "company", p, "x"), [], False),
        ([""], lambda p: add_label("contact", "company", p, "x"), ["x"], True),
        (["x"], lambda p: add_label("contact", "company", p, "x"), ["x"], False),
        (["y"], lambda p: add_label("contact", "company", p, "x"), ["x", "y"], True),
        (["", "y"], lambda p: add_label("contact", "company", p, "x"), ["x", "y"], True),
        (["x"], lambda p: replace_label("contact", "company", p, "x", "y"), ["y"], True),
        (["x", "y"], lambda p: replace_label("contact", "company", p, "x", "y"), ["y"], True),
        (["x", "z"], lambda p: replace_label("contact", "company", p, "x", "y"), ["y", "z"], True),
        (["z"], lambda p: replace_label("contact", "company", p, "x", "y"), ["z"], False),
        (["", "x", "z"], lambda p: replace_label("contact", "company", p, None, "y"), ["y"], True),
        (["y"], lambda p: replace_label("contact", "company", p, None, "y"), ["y"], False),
        (["x", "z"], lambda p: replace_label("contact", "company", p, None, ""), [""], True),
        (["x"], lambda p: replace_label("contact", "company", p, "x", ""), [""], True),
        (["x", "z"], lambda p: replace_label("contact", "company", p, "x", ""), ["z"], True),
        (["", "x"], lambda p: replace_label("contact", "company", p, "x", ""), [""], True),
        ([""], lambda p: replace_label("contact", "company", p, None, ""), [""], False),
    ],
)
def test_labels_come_and_go_in_both_directions_and_the_two_stay_linked(pair, had, verb, left, changes):
    for label in had:
        associate("contact", "company", [pair], label)
    assert verb([pair]) == ({pair} if changes else set())
    assert labels(pair) == labels(pair, mirrored=True) == left


def test_two_contacts_are_labelled_whichever_end_is_asked_for():
    one, other = (Contact.objects.create(email=f"{name}@example.com").pk for name in "ab")
    associate("contact", "contact", [(one, other)])
    assert {(one, other), (other, one)} == add_label("contact", "contact", [(one, other), (other, one)], "sibling")
    assert list(Association.objects.values_list("label", flat=True)) == ["sibling", "sibling"]


def test_the_journal_tells_a_new_label_from_a_new_association(pair):
    associate("contact", "company", [pair])
    add_label("contact", "company", [pair], "x")
    associate("contact", "company", [pair], "y")
    dissociate("contact", "company", [pair], "y")
    dissociate("contact", "company", [pair], "x")
    journal = Change.objects.filter(object_type="contact", kind__in=["associated", "dissociated"]).order_by("id")
    told = [
        (one.kind, (one.after or one.before)["label"], (one.after or one.before).get("relabelled")) for one in journal
    ]
    assert told == [
        ("associated", "", None), ("dissociated", "", True), ("associated", "x", True), ("associated", "y", None),
        ("dissociated", "y", True), ("dissociated", "x", None),
    ]  # fmt: skip


def test_a_contact_has_one_primary_company_and_the_one_before_becomes_a_plain_one(pair):
    contact, first = pair
    second = Company.objects.create(name="B").pk
    associate("contact", "company", [pair], "primary")
    associate("contact", "company", [(contact, second)])
    assert one_primary_each("contact", "company", [(contact, second)]) == {(contact, second)}
    add_label("contact", "company", [(contact, second)], "primary")
    assert (labels(pair), labels((contact, second))) == ([""], ["primary"])
    # The same from the company's side: of two companies that want to be the contact's, the last one is it.
    assert one_primary_each("company", "contact", [(first, contact), (second, contact)]) == {(second, contact)}
