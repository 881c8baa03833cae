"""People named in a comment by `@username`: who can be, who is, and how the text reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from django.contrib.auth import get_backends, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.db.models import Q, QuerySet
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

from records.models import Access
from workflows.models import Workflow
from workflows.rights import opening

#: How many people one comment may name.
MENTION_LIMIT = 20
#: Among how many times as many people as are suggested those are looked for who may see the workflow.
LOOKED_AT = 5
#: An @ at the beginning of a word, and what a username is made of.
MENTION = re.compile(r"(?<![^\s(\[{\"'“‘«])@([\w.@+-]{1,150})")


def readers() -> QuerySet[Any]:
    """The people who may open workflows in the admin, and so read comments on them, as far as properties let them."""
    people = get_user_model()._default_manager.none()
    for backend in get_backends():
        if isinstance(backend, ModelBackend):
            people = people | backend.with_perm("workflows.view_workflow")
    return people.filter(is_active=True, is_staff=True).distinct()


def open_to(workflow: Workflow, people: Iterable[Any]) -> Iterator[Any]:
    """Those of the people to whom the workflow is not closed because of properties (PRM-09)."""
    return (person for person in people if opening.access_to(workflow, person) != Access.NONE)


def suggested(workflow: Workflow, text: str, limit: int) -> list[Any]:
    """Whom somebody may mean who has typed `text` after an @, by name; the first `limit`."""
    found = readers()
    for word in text.split()[:4]:
        found = found.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        )
    by_name = found.order_by("first_name", "last_name", "username")[: limit * LOOKED_AT]
    return list(islice(open_to(workflow, by_name), limit))


def candidates(text: str) -> list[str]:
    """What may be usernames in a text: with and without the stop that ends a sentence; at most MENTION_LIMIT words."""
    words = [match[1] for match in MENTION.finditer(text)][:MENTION_LIMIT]
    return list(dict.fromkeys(name for word in words for name in (word, trimmed(word)) if name))


def trimmed(word: str) -> str:
    return word.rstrip(".@+-")


def mentioned(workflow: Workflow, text: str) -> list[Any]:
    """The people a text names who may see the workflow."""
    names = candidates(text)
    return list(open_to(workflow, readers().filter(username__in=names).order_by("pk"))) if names else []


def unknown(text: str, people: Collection[Any]) -> list[str]:
    """The words after an @ that name nobody of `people`."""
    known = {person.get_username() for person in people}
    words = dict.fromkeys(match[1] for match in MENTION.finditer(text))
    return [word for word in words if word not in known and trimmed(word) not in known]


def shown(text: str, people: Collection[Any]) -> SafeString:
    """A comment's text as HTML: escaped, addresses as links, and the people it names by their names."""
    return mark_safe("".join(parts(text, {person.get_username(): str(person) for person in people})))


def parts(text: str, names: dict[str, str]) -> Iterator[str]:
    end = 0
    for match in MENTION.finditer(text):
        word = match[1] if match[1] in names else trimmed(match[1])
        if word not in names:
            continue
        yield urlize(text[end : match.start()], nofollow=True, autoescape=True)
        yield format_html('<span class="mention">@{}</span>', names[word])
        end = match.start() + 1 + len(word)
    yield urlize(text[end:], nofollow=True, autoescape=True)
