"""Sending messages as a step: requests into the outbox, one for each contact, and what became of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.messaging import guarding, providers
from crm.messaging.fields import numbers_of
from crm.messaging.recipients import Recipient, Refusal, recipients
from records.happening import Occurrence, happen
from records.properties import Property
from workflows.actions.base import Action
from workflows.models import Delivery
from workflows.outbox import ordering
from workflows.outside.targets import NotAllowed
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import properties_for, subject_of, targets_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

State = Delivery.State
#: Signs of a message that are kept with the contact's event.
KEPT = 1_000


class Unsent(Exception):
    """A message cannot be made for a record; the message is a whole sentence."""


class MessageAction(Action):
    """What “Send SMS” and “Send WhatsApp message” do alike."""

    group = gettext_lazy("Communication")
    icon = "message"
    #: What happens to the contact when a message was taken.
    event = ""
    channel = ""
    #: The params a card shows of a message, and that may hold tokens; and the card's sentences, with %(text)s.
    shown = "message"
    rendered = "message"
    blank: str | Promise
    sentence: str | Promise
    sentence_of: str | Promise

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        text = document.get(self.shown)
        if not isinstance(text, str) or not text.strip():
            return str(self.blank)
        contacts = str(subject_of(document, context).label_plural) if document.get("of") else ""
        return str(self.sentence_of if contacts else self.sentence) % {"text": text.strip()[:80], "records": contacts}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return tokens.reads(document.get(self.rendered), context.object_type) | self.number_slugs(document, context)

    @abstractmethod
    def messages(self, batch: Batch, params: dict[str, Any]) -> dict[int, Any]:
        """What is to be sent, by record id: whatever `request` makes a request of, or an Unsent."""

    @abstractmethod
    def request(self, params: dict[str, Any], number: str, message: Any) -> providers.Request:
        """The request that sends one message to a number."""

    @abstractmethod
    def text(self, params: dict[str, Any], message: Any) -> str:
        """A message as people read it."""

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {
            "sent": Property("sent", gettext_lazy("Number of messages taken"), "number"),
            "message_id": Property("message_id", gettext_lazy("The provider’s id of the message"), "text"),
            "number": Property("number", gettext_lazy("Number it went to"), "text"),
        }

    def number_slugs(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """The properties that are read for the number."""
        contact = subject_of(document, context)
        found = numbers_of(document.get("number"), properties_for(contact, context), self.channel)
        return {f"{contact.slug}.{prop.slug}" for prop in found}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the requests into the outbox; records wait until the provider has taken theirs, or refused them."""
        targets = targets_of(batch, params)
        numbers = numbers_of(params["number"], properties_for(targets.object_type, batch.context), self.channel)
        known = recipients(targets.ids, params["subscription"], numbers, params["country"])
        messages, deliveries = self.messages(batch, params), []
        for enrollment in batch.enrollments:
            asked = [known[pk] for pk in targets.of(enrollment) if pk in known]
            if not asked:
                continue
            people = {one.number: one for one in reversed(asked) if isinstance(one, Recipient)}
            if not people:
                refused = next(one for one in asked if isinstance(one, Refusal))
                batch.skip(enrollment, refused.reason, **refused.facts)
                continue
            message = messages[enrollment.record_id]
            try:
                deliveries += [self.delivery(batch, enrollment, params, one, message) for one in people.values()]
            except (Unsent, NotAllowed) as error:
                batch.fail(enrollment, "message_not_made", error=str(error))
                continue
            batch.wait(enrollment, None, messages=len(people), number=next(iter(people)))
        ordering.order(deliveries, batch.now)

    def delivery(
        self, batch: Batch, enrollment: Standing, params: dict[str, Any], one: Recipient, message: Any
    ) -> Delivery:
        """A message for one contact, not stored yet. Raises Unsent and NotAllowed."""
        if isinstance(message, Unsent):
            raise message
        text = self.text(params, message)
        made = self.request(params, one.number, message) | {"contact": one.contact, "to": one.number, "text": text}
        # Providers of messages do not look at keys: sent again, the contact would get it twice.
        made |= {"guard": guarding.NAME, "type": params["subscription"].pk, "once": True}
        return ordering.delivery(batch, enrollment, made, str(one.contact))

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        """The provider has answered for some or all messages."""
        found, again, happened = ordering.found_all(batch), [], []
        for enrollment in batch.enrollments:
            sent = found.get(enrollment.id, [])
            waiting = [one for one in sent if one.state in (State.PENDING, State.SENDING, State.UNCERTAIN)]
            dead = [one for one in sent if one.state == State.DEAD]
            tries = [one for one in dead if enrollment.tries > (one.answer or {}).get("tries", 0)]
            if tries:
                again += [(one, enrollment.tries) for one in tries]
            if tries or waiting:
                batch.wait(enrollment, None, messages=len(sent))
                continue
            happened += self.answered(batch, enrollment, sent, dead)
        ordering.order_again(again, batch.now)
        if happened:
            happen(self.event, "contact", happened, now=batch.now)

    def answered(
        self, batch: Batch, enrollment: Standing, sent: list[Delivery], dead: list[Delivery]
    ) -> list[Occurrence]:
        """The step's answer for one enrollment whose messages have all come to an end; what happened to contacts."""
        done = [one for one in sent if one.state == State.DONE]
        identifier = next((made for one in done if (made := (one.answer or {}).get("outputs", {}).get("id"))), None)
        number = done[0].request.get("to") if done else None
        batch.output(enrollment, sent=len(done), message_id=identifier, number=number)
        if dead:
            words = providers.said((dead[0].answer or {}).get("body"))
            error = f"{dead[0].last_error} {words}".strip()
            facts = {"number": dead[0].request.get("to", ""), "sent": len(done), "messages": len(sent)}
            batch.fail(enrollment, "message_refused", error=error[:500], **facts)
        elif done:
            batch.done(enrollment, messages=len(done), number=number, text=str(done[0].request.get("text", ""))[:200])
        else:
            batch.skip(enrollment, "message_not_sent")
        return [
            Occurrence(
                one.request["contact"],
                {"message": str(one.request["text"])[:KEPT], "number": one.request["to"]},
                key=one.key,
            )
            for one in done
        ]

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, number = detail.get("messages"), str(detail.get("number") or "?")
        facts = {"count": count if isinstance(count, int) else 1, "number": number, "label": str(self.label)}
        if outcome == "waiting":
            return format_html(_("{label}: waits until the provider has taken it"), **facts)
        text = str(detail.get("text") or "")
        if facts["count"] == 1:
            return format_html(_("{label} to {number}: “{text}”"), text=text, **facts)
        sentence = ngettext(
            "{label} to {count} contact: “{text}”", "{label} to {count} contacts: “{text}”", count or 1
        )
        return format_html(sentence, text=text, **facts)
