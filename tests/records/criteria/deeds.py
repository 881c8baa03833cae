"""What contacts want and have done, and which imports added records: made and asked for at random, read naively."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from crm.models import CallToAction, Form, MarketingEmail, SubscriptionType
from crm.subscribing import Wish, set_status
from records.happening import Occurrence, happen
from records.models import ImportedRecord, ImportRun
from tests.records.criteria.world_oracle import Thing, WorldOracle

#: Subscription types; forms and calls to action that there are here, and those of another tool; emails sent.
SUBSCRIPTIONS, FORMS, FORMS_ELSEWHERE = ["news", "offers"], ["a", "b"], ["c"]
CALLS, EMAILS = ["spring", "autumn"], ["May", "June: 50%_off"]
STATUSES = {"is_subscribed": "subscribed", "is_unsubscribed": "unsubscribed", "is_not_specified": "not_specified"}
#: What filters on marketing emails ask for: something that has happened, and what has not followed it.
MAILED = {
    "was_sent": ("sent", ""), "was_received": ("delivered", ""), "was_opened": ("opened", ""),
    "was_clicked": ("clicked", ""), "was_replied": ("replied", ""), "has_bounced": ("bounced", ""),
    "was_marked_as_spam": ("marked_as_spam", ""), "was_unsubscribed": ("unsubscribed", ""),
    "received_not_opened": ("delivered", "opened"), "opened_not_clicked": ("opened", "clicked"),
    "opened_not_replied": ("opened", "replied"), "sent_not_clicked": ("sent", "clicked"),
    "sent_not_received": ("sent", "delivered"),
}  # fmt: skip
FORM_FACTS = {"form": "select", "page": "text", "fields": "multi_line", "occurred_at": "datetime"}
PLAIN_FACTS = {"occurred_at": "datetime"}
#: The kinds of filters that only contacts have.
OF_CONTACTS = ["subscription", "form", "call_to_action", "marketing_email"]
KINDS = ["import", *OF_CONTACTS]


def add(world: Any) -> None:
    """Let what is in this module happen to the records of a world."""
    subscribe(world)
    for slug in FORMS:
        Form.objects.create(name=f"Form {slug}", slug=slug)
    for slug in CALLS:
        CallToAction.objects.create(slug=slug, name=slug, text="Go", target="https://example.org/")
    for name in EMAILS:
        MarketingEmail.objects.create(name=name, first_sent_at=timezone.now())
    for _number in range(14):
        facts = {"form": world.chance.choice(FORMS + FORMS_ELSEWHERE)}
        facts |= {name: value for name in ("page", "fields") if (value := world.maybe(FORM_FACTS[name])) is not None}
        tell(world, "form_submitted", FORM_FACTS, facts)
    for _number in range(16):
        call = world.chance.choice([*CALLS, None])
        facts = {"cta": "button"} | ({} if call is None else {"call_to_action": call})
        tell(world, world.chance.choice(["cta_viewed", "cta_clicked"]), PLAIN_FACTS, facts)
    happened = sorted({event for both in MAILED.values() for event in both if event})
    for _number in range(50):
        tell(world, f"email_{world.chance.choice(happened)}", PLAIN_FACTS, {"email": world.chance.choice(EMAILS)})
    for kind in world.things:
        bring_in(world, kind)


def subscribe(world: Any) -> None:
    for slug in SUBSCRIPTIONS:
        made = SubscriptionType.objects.create(slug=slug, name=slug, needs_legal_basis=False)
        for thing in world.things["contact"]:
            for status in world.chance.choices(list(STATUSES.values()), k=world.chance.randint(0, 2)):
                set_status([thing.pk], Wish(made, status), source="api", now=timezone.now())
                thing.subscriptions[slug] = status


def tell(world: Any, event: str, types: dict[str, str], facts: dict[str, Any]) -> None:
    """Something happens to some contact at some time."""
    thing, at = world.chance.choice(world.things["contact"]), world.moment_past()
    happen(event, "contact", [Occurrence(thing.pk, facts, at)], now=timezone.now())
    thing.events.append((event, Thing(event, types, facts | {"occurred_at": at})))


def bring_in(world: Any, kind: str) -> None:
    """Two imports, each of which has added some records and changed others."""
    world.imports[kind] = []
    for number in (1, 2):
        run = ImportRun.objects.create(object_type=kind, file_name=f"{kind} {number}.csv", content=b"")
        world.imports[kind].append(str(run.pk))
        for thing in world.things[kind]:
            if world.chance.random() < 0.6:
                added = world.chance.random() < 0.5
                ImportedRecord.objects.create(run=run, record_id=thing.pk, added=added)
                thing.imports |= {str(run.pk)} if added else set()


def filters(world: Any, kind: str, chosen: str, where: Callable[[dict[str, str]], Any], refined: Any) -> Any:
    """A filter of a kind in KINDS on records of an object type. `where`: filters on facts; `refined`: refinements."""
    if chosen == "import":
        return made(chosen, ["any", *world.imports[kind]], ["was_added", "was_not_added"])
    if chosen == "subscription":
        return made(chosen, SUBSCRIPTIONS, list(STATUSES))
    if chosen == "marketing_email":
        return with_more(made(chosen, ["*", *EMAILS], list(MAILED)), refined)
    if chosen == "call_to_action":
        return with_more(
            made(chosen, ["*", *CALLS], ["was_seen", "was_not_seen", "was_clicked", "was_not_clicked"]), refined
        )
    asked = made(chosen, ["*", *FORMS], ["has_filled_out", "has_filled_out", "has_not_filled_out"])
    return with_more(asked, refined, st.lists(where(FORM_FACTS), max_size=2))


def each(world: Any, kind: str) -> list[dict[str, Any]]:
    """A filter with every operator of every kind in KINDS: chance may leave one out."""
    chosen = {"import": (["was_added", "was_not_added"], world.imports[kind][0])}
    if kind == "contact":
        calls = ["was_seen", "was_not_seen", "was_clicked", "was_not_clicked"]
        chosen |= {"subscription": (list(STATUSES), SUBSCRIPTIONS[0]), "marketing_email": (list(MAILED), EMAILS[0])}
        chosen |= {"call_to_action": (calls, CALLS[0]), "form": (["has_filled_out", "has_not_filled_out"], FORMS[0])}
    return [{key: value, "operator": one} for key, (names, value) in chosen.items() for one in names]


def made(key: str, choices: list[str], operators: list[str]) -> Any:
    return st.fixed_dictionaries({key: st.sampled_from(choices), "operator": st.sampled_from(operators)})


def with_more(leaves: Any, refined: Any, where: Any = None) -> Any:
    """With a refinement, unless something has not happened, and with filters on what was told."""

    def joined(leaf: dict[str, Any], refine: Any, parts: list[Any]) -> dict[str, Any]:
        some = {"where": parts} if parts else {}
        never = leaf["operator"].split("_")[1] == "not" and leaf["operator"] not in MAILED
        return leaf | some | ({} if refine is None or never else {"refine": refine})

    return st.builds(joined, leaves, refined, st.just([]) if where is None else where)


# How a person would answer, from the specification alone.


def by_import(oracle: WorldOracle, document: dict[str, Any], thing: Thing) -> bool:
    was = bool(thing.imports) if document["import"] == "any" else document["import"] in thing.imports
    return was == (document["operator"] == "was_added")


def by_subscription(oracle: WorldOracle, document: dict[str, Any], thing: Thing) -> bool:
    return thing.subscriptions.get(document["subscription"], "not_specified") == STATUSES[document["operator"]]


def by_form(oracle: WorldOracle, document: dict[str, Any], thing: Thing) -> bool:
    forms = [document["form"]] if document["form"] != "*" else FORMS + FORMS_ELSEWHERE
    sent = [facts for event, facts in thing.events if event == "form_submitted" and facts.values["form"] in forms]
    return oracle.often_enough(document, sent) != (document["operator"] == "has_not_filled_out")


def by_call_to_action(oracle: WorldOracle, document: dict[str, Any], thing: Thing) -> bool:
    asked, name = document["call_to_action"], document["operator"]
    event = "cta_viewed" if name.endswith("seen") else "cta_clicked"
    found = [
        facts for one, facts in thing.events if one == event and asked in ("*", facts.values.get("call_to_action"))
    ]
    return oracle.often_enough(document, found) != ("_not_" in name)


def by_marketing_email(oracle: WorldOracle, document: dict[str, Any], thing: Thing) -> bool:
    """What has not followed must not have followed on the same email, whenever."""
    asked, (event, without) = document["marketing_email"], MAILED[document["operator"]]
    followed = {facts.values["email"] for one, facts in thing.events if one == f"email_{without}"}
    found = [
        facts
        for one, facts in thing.events
        if one == f"email_{event}" and asked in ("*", facts.values["email"]) and facts.values["email"] not in followed
    ]
    return oracle.often_enough(document, found)


READINGS = {
    "import": by_import, "subscription": by_subscription, "form": by_form, "call_to_action": by_call_to_action,
    "marketing_email": by_marketing_email,
}  # fmt: skip
