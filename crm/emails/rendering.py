"""Emails as they are sent: subject, HTML and plain text for each contact, with a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.emails import checking, companions
from crm.emails import pieces as parts
from crm.emails.companions import About
from crm.emails.pieces import SEPARATOR, Address, Html, Piece, Plain, Words, Written
from crm.models import EmailTemplate
from crm.public_address import absolute
from crm.tracking.links import mail_link, open_pixel
from crm.tracking.unsubscribing import preferences_link
from records.object_types import ObjectType, object_types
from workflows.texts import tokens
from workflows.texts.token_values import Shown

SUBJECT_LIMIT = 250
#: What events of these emails say they are (EVT-07).
AUTOMATED = "automated"
FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
#: Where nobody is to be counted or unsubscribed.
NOWHERE = "#"
Told = Mapping[int, Mapping[str, Shown]]


@dataclass(frozen=True)
class Message:
    """What one contact gets; `preferences` is the absolute address of its page of preferences, "" in copies."""

    subject: str
    html: str
    text: str
    preferences: str = ""


@dataclass(frozen=True)
class Preferences:
    """Where the link to the page of preferences leads."""


@dataclass(frozen=True)
class Pixel:
    """The picture that tells that an email was opened."""


class Filled:
    """The filled-in texts of one contact, taken one after the other in the order of the pieces."""

    def __init__(self, words: str, plains: str, addresses: str) -> None:
        self.words = iter(words.split(SEPARATOR))
        self.plains = iter(plains.split(SEPARATOR))
        self.addresses = iter(addresses.split(SEPARATOR))


def render_each(
    template: EmailTemplate,
    own: ObjectType,
    asked: Mapping[int, Iterable[Any]],
    now: dt.datetime,
    *,
    copy: bool = False,
) -> dict[tuple[int, int], Message]:
    """The messages to the contacts of enrolled records of a type, by the ids of both; as `render` makes them.

    Constant statements; where the email speaks of the enrolled record, for as many as share one contact.
    """
    people = {one.pk: one for contacts in asked.values() for one in contacts}
    if own.slug not in companions.spoken_of(checking.text_of(template)):
        made = render(template, people.values(), now, copy=copy)
        return {(pk, one.pk): made[one.pk] for pk, contacts in asked.items() for one in contacts}
    rounds: list[dict[int, int]] = []
    for record, contacts in asked.items():
        for one in contacts:
            free = next((some for some in rounds if one.pk not in some), None)
            if free is None:
                rounds.append(free := {})
            free[one.pk] = record
    found: dict[tuple[int, int], Message] = {}
    for some in rounds:
        about = About(own, some)
        made = render(template, [people[pk] for pk in some], now, copy=copy, about=about)
        found |= {(record, pk): made[pk] for pk, record in some.items()}
    return found


def render(
    template: EmailTemplate,
    contacts: Iterable[Any],
    now: dt.datetime,
    *,
    copy: bool = False,
    about: About | None = None,
) -> dict[int, Message]:
    """The message of each contact by its id. Raises workflows.texts.tokens.TokenError.

    `copy`: for somebody else than the contact: nothing is counted, and there is nothing to unsubscribe from.
    """
    contacts = list(contacts)
    sequence = [*head(template), *parts.read(template.body), *foot(template, copy=copy)]
    texts = {
        "line": template.subject,
        "html": SEPARATOR.join(one.template for one in sequence if isinstance(one, Words)),
        "text": SEPARATOR.join(one.plain for one in sequence if isinstance(one, Words)),
        "url": SEPARATOR.join(one.template for one in sequence if isinstance(one, Address | Written)),
    }
    ids = [contact.pk for contact in contacts]
    shown = companions.told([texts[target] for target in texts if target not in tokens.RAW], ids, about)
    raw = companions.told([texts["url"]], ids, about, raw=True)
    subjects, words, plains, addresses = (
        fill(text, contacts, now, target, raw if target in tokens.RAW else shown) for target, text in texts.items()
    )
    found = {}
    for contact in contacts:
        pk = contact.pk
        preferences = "" if copy else absolute(preferences_link(pk, template.type_id, template.name))
        filled = Filled(words[pk], plains[pk], addresses[pk])
        html, text = joined(sequence, filled, follower(template, pk, copy=copy), pixel(template, pk), preferences)
        found[pk] = Message(subjects[pk][:SUBJECT_LIMIT], html, text, preferences)
    return found


def fill(text: str, contacts: list[Any], now: dt.datetime, target: str, told: Told) -> dict[int, str]:
    if not tokens.has_tokens(text):
        return dict.fromkeys((contact.pk for contact in contacts), text)
    return tokens.render_many(text, object_types["contact"], contacts, now, target, told)


def joined(
    sequence: list[Any], filled: Filled, follow: Callable[[str], str], opened: str, preferences: str
) -> tuple[str, str]:
    """The HTML and the plain text of one message."""
    html: list[str] = []
    text: list[str] = []
    for piece in sequence:
        match piece:
            case Html():
                html.append(piece.text)
            case Words():
                html.append(next(filled.words))
                text.append(next(filled.plains))
            case Plain():
                text.append(piece.text)
            case Address():
                address = next(filled.addresses)
                html.append(escape(follow(address) if piece.link else address))
            case Written():
                text.append(parts.in_brackets(next(filled.addresses)))
            case Preferences():
                html.append(escape(preferences or NOWHERE))
                text.append(f": {preferences}" if preferences else "")
            case Pixel():
                html.append(f'<img src="{escape(opened)}" alt="" width="1" height="1" style="border:0">')
    return "".join(html), parts.tidy("".join(text))


def follower(template: EmailTemplate, contact_id: int, *, copy: bool) -> Callable[[str], str]:
    """Where a link leads in the HTML: straight on, or by way of being counted."""
    if copy or not template.track_clicks:
        return str

    def counted(address: str) -> str:
        if not address.startswith(("http://", "https://")):
            return address
        return absolute(mail_link(contact_id, address, template.name, kind=AUTOMATED))

    return counted


def pixel(template: EmailTemplate, contact_id: int) -> str:
    return absolute(open_pixel(contact_id, template.name, kind=AUTOMATED)) if template.track_opens else ""


def head(template: EmailTemplate) -> list[Piece]:
    """What stands before the text: mail programs read tables and styles of single tags, and little else."""
    language = escape(get_language() or "en")
    preview: list[Piece] = [
        Html('<div style="display:none;max-height:0;overflow:hidden">'),
        Words(parts.escaped(template.preview_text), ""),
        Html("</div>"),
    ]
    return [
        Html(
            f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
            f'<body style="margin:0;padding:0;background:#f4f5f8;color:#191d26;{FONT}">'
        ),
        *(preview if template.preview_text else []),
        Html(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f4f5f8">'
            '<tr><td align="center" style="padding:24px 12px"><table role="presentation" width="600" cellpadding="0" '
            'cellspacing="0" style="width:100%;max-width:600px;background:#ffffff;border-radius:8px">'
            f'<tr><td style="padding:32px;{FONT};font-size:16px;line-height:24px;color:#191d26">'
        ),
    ]


def foot(template: EmailTemplate, *, copy: bool) -> list[Any]:
    """What stands below the text: whom it is from, and how to get no more of it."""
    found: list[Any] = [
        Html(
            '</td></tr></table><table role="presentation" width="600" cellpadding="0" cellspacing="0" '
            f'style="width:100%;max-width:600px"><tr><td align="center" style="padding:16px 32px;{FONT};'
            'font-size:13px;line-height:20px;color:#555d6c">'
        ),
        Plain("\n\n--\n"),
    ]
    if template.footer:
        found += [Words(parts.escaped(template.footer), template.footer), Html("<br>"), Plain("\n")]
    if copy:
        said = _("This is a copy: it was not sent to the contact it speaks of.")
        found += [Html(escape(said)), Plain(said)]
    else:
        said = _("Unsubscribe, or choose which emails you get")
        found += [Html('<a style="color:#555d6c" href="'), Plain(said), Preferences(), Html(f'">{escape(said)}</a>')]
    found.append(Html("</td></tr></table></td></tr></table>"))
    if template.track_opens and not copy:
        found.append(Pixel())
    return [*found, Html("</body></html>")]
