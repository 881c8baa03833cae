"""Send a webhook: a request to another system with values of the record, whose answer later steps can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.actions.base import Action
from workflows.models import Delivery
from workflows.outbox import composing, ordering
from workflows.outside import connecting, door
from workflows.outside.targets import NotAllowed
from workflows.registries import actions
from workflows.step_forms.answer_field import AnswerField, properties_in
from workflows.step_forms.forms import ChoiceField, FlagField, check_tokens
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.rows_field import NamedTextsField
from workflows.step_forms.webhook_fields import AddressField, ChosenField, ConnectionField, TemplateField
from workflows.texts import json_templates, tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

State = Delivery.State
BODIES = {
    "properties": gettext_lazy("Properties I choose"),
    "all": gettext_lazy("All properties"),
    "json": gettext_lazy("JSON I write"),
}
#: Fields that only one way to say what is sent has.
ONLY = {"properties": ("properties", "values"), "all": ("values",), "json": ("template",)}
MOST_ROWS = 50


@actions.register
class SendWebhook(Action):
    slug = "send_webhook"
    label = gettext_lazy("Send a webhook")
    description = gettext_lazy("Send values of the record to another system, and use what it answers.")
    group = gettext_lazy("Data")
    icon = "webhook"

    class Params(ParamsForm):
        method = ChoiceField(label=gettext_lazy("Method"), choices=[(name, name) for name in composing.METHODS])
        connection = ConnectionField(
            label=gettext_lazy("Connection"), required=False,
            help_text=gettext_lazy("How to sign in, and what signs requests. It sends to its own address only."),
        )  # fmt: skip
        url = AddressField(
            label=gettext_lazy("Address"), max_length=4_000,
            help_text=gettext_lazy("Tokens may stand after the host. With a connection, /path is enough."),
        )  # fmt: skip
        body = ChoiceField(
            label=gettext_lazy("What is sent"), required=False, choices=list(BODIES.items()),
            help_text=gettext_lazy("As JSON; GET and DELETE carry values in the address."),
        )  # fmt: skip
        properties = ChosenField(label=gettext_lazy("Properties"))
        values = NamedTextsField(
            label=gettext_lazy("Other values"), name=gettext_lazy("Name"), text=gettext_lazy("Text"), most=MOST_ROWS,
            help_text=gettext_lazy("Sent as they are, or with tokens filled in. Empty a name to take it out."),
        )  # fmt: skip
        template = TemplateField(
            label=gettext_lazy("JSON"), lines=8,
            help_text=gettext_lazy('Tokens stand in quotes: "name": "{{ deal.name }}". One alone stays a number.'),
        )  # fmt: skip
        headers = NamedTextsField(
            label=gettext_lazy("Headers"), name=gettext_lazy("Header"), text=gettext_lazy("Text"), most=MOST_ROWS,
            help_text=gettext_lazy("No secrets: who sees the workflow reads them. Use a connection for these."),
        )  # fmt: skip
        outputs = AnswerField(
            label=gettext_lazy("Values of the answer"),
            help_text=gettext_lazy("For later steps: a name, and the place in the JSON answer, like data.score."),
        )  # fmt: skip
        wait = FlagField(
            label=gettext_lazy("Wait for the answer"),
            help_text=gettext_lazy(
                "The record stays here until the other system has taken the request, three days at most. It does so "
                "in any case where values of the answer are used, or the step says what follows if it fails."
            ),
        )  # fmt: skip

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["method"].widget.attrs["data-refresh"] = "panel"
            self.fields["body"].widget.attrs["data-refresh"] = "panel"
            if self.raw("method") in composing.IN_ADDRESS:
                body = self.fields["body"]
                assert isinstance(body, forms.ChoiceField)
                body.choices = [pair for pair in BODIES.items() if pair[0] != "json"]
            kept = ONLY.get(chosen_body(self.raw("body")), ())
            for name in {name for names in ONLY.values() for name in names} - set(kept):
                del self.fields[name]

        @classmethod
        def schema(cls, context: StepContext | None = None) -> dict[str, Any]:
            """All settings, whatever is sent: which of them one takes is said by `problems`."""
            return super().schema(None)

        def clean_headers(self) -> dict[str, str]:
            found: dict[str, str] = self.cleaned_data["headers"]
            for name, text in found.items():
                check_tokens(text, self.context)
                try:
                    door.checked({name: ""})
                except NotAllowed as error:
                    raise ValidationError(str(error)) from None
                if name.lower() in connecting.OWN_HEADERS or name.lower() == "authorization":
                    message = _("The header “%(name)s” is written by Headrace. Take it out; a connection signs in.")
                    raise ValidationError(message % {"name": name})
            return found

        def clean_values(self) -> dict[str, str]:
            found: dict[str, str] = self.cleaned_data["values"]
            for text in found.values():
                check_tokens(text, self.context)
            return found

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors:
                try:
                    composing.check_origin(cleaned["url"], cleaned.get("connection") or "")
                except NotAllowed as error:
                    self.add_error("url", str(error))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        method, url = document.get("method"), document.get("url")
        if not isinstance(method, str) or not isinstance(url, str) or not method or not url:
            return _("Choose a method and an address")
        return _("%(method)s to %(url)s") % {"method": method, "url": url[:120]}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        body, own = chosen_body(document.get("body")), context.object_type.slug
        texts = [document.get("url"), *texts_in(document.get("headers"))]
        slugs: set[str] = set()
        if body == "json":
            texts += template_texts(document.get("template"))
        else:
            texts += texts_in(document.get("values"))
            listed = document.get("properties")
            chosen = listed if body == "properties" else list(composing.sent_properties(context.properties))
            slugs = {str(slug) for slug in chosen} if isinstance(chosen, list) else set()
        found = {f"{own}.{slug}" for slug in slugs}
        return found.union(*(tokens.reads(text, context.object_type) for text in texts))

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return properties_in(document.get("outputs")) if document.get("outputs") or document.get("wait") else {}

    def waits(self, batch: Batch, params: dict[str, Any]) -> bool:
        """Whether records stay on the step until the other side has answered."""
        step = batch.step
        asked = step.id in batch.definition.asked_outcomes or step.stops or bool(step.retries)
        return bool(params.get("wait") or params.get("outputs") or asked)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Writes the requests into the outbox, as they are to be sent; workflows.outbox.requesting sends them."""
        waits = self.waits(batch, params)
        deliveries = []
        composed = composing.composed(batch, params)
        for enrollment in batch.enrollments:
            made = composed[enrollment.record_id]
            if isinstance(made, str):
                batch.fail(enrollment, "not_composed", error=made)
                continue
            deliveries.append(ordering.delivery(batch, enrollment, made))
            facts = {"method": made["method"], "host": made["host"]}
            if waits:
                batch.wait(enrollment, None, **facts)
            else:
                batch.done(enrollment, queued=True, **facts)
        ordering.order(deliveries, batch.now)

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        """The other side has answered, or nobody will ask it any more."""
        found = ordering.found(batch)
        again = []
        for enrollment in batch.enrollments:
            delivery = found.get(enrollment.id)
            request, answer = (delivery.request, delivery.answer or {}) if delivery else ({}, {})
            facts: dict[str, Any] = {"method": request.get("method"), "host": request.get("host")}
            if delivery is None or delivery.state == State.SKIPPED:
                batch.skip(enrollment, "not_sent")
            elif delivery.state == State.DEAD and enrollment.tries > answer.get("tries", 0):
                again.append((delivery, enrollment.tries))
                batch.wait(enrollment, None, **facts)
            elif delivery.state == State.DEAD:
                batch.fail(enrollment, "not_taken", error=delivery.last_error[:500], **facts)
            elif delivery.state == State.DONE:
                status = answer.get("status")
                batch.output(enrollment, status=status, **answer.get("outputs", {}))
                misfits = {"misfits": answer["misfits"]} if answer.get("misfits") else {}
                batch.done(enrollment, status=status, **facts, **misfits)
            else:
                batch.wait(enrollment, None, **facts)
        ordering.order_again(again, batch.now)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        facts = {name: str(detail.get(name) or "?") for name in ("method", "host", "status")}
        if outcome == "waiting":
            return format_html(_("{method} request to {host}: waits for the answer"), **facts)
        if detail.get("queued"):
            return format_html(_("{method} request to {host} was handed over to be sent"), **facts)
        if detail.get("status") is None:
            return format_html(_("{method} request to {host}: somebody marked it as sent"), **facts)
        misfits = detail.get("misfits")
        if isinstance(misfits, list) and misfits:
            names = ", ".join(str(name) for name in misfits)
            sentence = _(
                "{method} request to {host}: answered with {status}. Left blank, as they did not fit: {names}"
            )
            return format_html(sentence, **facts, names=names)
        return format_html(_("{method} request to {host}: answered with {status}"), **facts)


def chosen_body(value: Any) -> str:
    """What is sent; properties while nothing is chosen."""
    return value if isinstance(value, str) and value in BODIES else "properties"


def texts_in(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def template_texts(text: Any) -> list[str]:
    try:
        return json_templates.with_tokens(json_templates.read(text)) if isinstance(text, str) else []
    except tokens.TokenError:
        return []
