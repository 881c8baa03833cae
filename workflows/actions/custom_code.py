"""Custom code: JavaScript with inputs and typed outputs, in a process of its own (DOP-01, 04, DOP-06 to DOP-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.problems import Problem
from records.properties import Option, Property
from records.property_types import property_types
from workflows.actions.base import Action
from workflows.code import asking, running, secrets
from workflows.registries import actions
from workflows.step_forms.code_field import CodeField
from workflows.step_forms.named_rows import NamedRowsField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.sources import SourceField, own_slug, source_of
from workflows.times.moments import shown_moment

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

ROWS = 50
#: What outputs can be (DOP-06).
TYPES = ("text", "number", "boolean", "date", "datetime", "phone", "select")
#: Words the engine keeps with a step's outputs itself.
RESERVED = {"outcome"}
START = """exports.main = async (event, callback) => {
  const { name } = event.inputFields;
  callback({
    outputFields: {
      greeting: `Hello ${name}`,
    },
  });
};
"""


class InputSource(SourceField):
    """What can go into a script: sensitive properties cannot, as in texts."""

    def offers(self, prop: Property) -> bool:
        return super().offers(prop) and not prop.sensitive


def types() -> list[tuple[str, str]]:
    return [("", "—"), *((slug, str(property_types[slug].label)) for slug in TYPES)]


@actions.register
class CustomCode(Action):
    slug = "custom_code"
    label = gettext_lazy("Custom code")
    description = gettext_lazy("Run JavaScript of your own with values of the record, and use what it gives back.")
    group = gettext_lazy("Data")
    icon = "code"
    permission = "workflows.write_code"

    class Params(ParamsForm):
        code = CodeField(
            label=gettext_lazy("JavaScript"), initial=START,
            help_text=gettext_lazy(
                "exports.main gets event.inputFields; what it gives to callback as outputFields later steps can use. "
                "20 seconds, 128 MB; fetch reaches other systems; no files."
            ),
        )  # fmt: skip
        inputs = NamedRowsField(
            "from",
            {
                "add": gettext_lazy("Add an input"), "name": gettext_lazy("Name of input %(number)d"),
                "choice": gettext_lazy("Value of input %(number)d"),
                "remove": gettext_lazy("Take out input %(number)d"),
            },
            limit=ROWS, label=gettext_lazy("What the code gets"),
        )  # fmt: skip
        secrets = NamedRowsField(
            "connection",
            {
                "add": gettext_lazy("Add a secret"), "name": gettext_lazy("Name of secret %(number)d"),
                "choice": gettext_lazy("Connection of secret %(number)d"),
                "remove": gettext_lazy("Take out secret %(number)d"),
                "default": "SECRET",
            },
            limit=ROWS, label=gettext_lazy("Secrets the code gets"),
            help_text=gettext_lazy("As process.env.NAME. They are kept as connections “for custom code”."),
        )  # fmt: skip
        outputs = NamedRowsField(
            "type",
            {
                "add": gettext_lazy("Add an output"), "name": gettext_lazy("Name of output %(number)d"),
                "choice": gettext_lazy("Type of output %(number)d"),
                "remove": gettext_lazy("Take out output %(number)d"),
                "default": "result", "more": gettext_lazy("Options of output %(number)d, separated by ;"),
            },
            limit=ROWS, more=("options", "select"), label=gettext_lazy("What the code gives back"),
        )  # fmt: skip

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            inputs, outputs, hidden = (self.fields[name] for name in ("inputs", "outputs", "secrets"))
            assert isinstance(inputs, NamedRowsField) and isinstance(outputs, NamedRowsField)
            assert isinstance(hidden, NamedRowsField)
            hidden.offer(lambda: [("", "—"), *secrets.offered(self.context.user)])
            self.sources = InputSource(label="")
            self.sources.use_context(self.context)
            inputs.offer(self.sources.all_choices)
            outputs.offer(types)

        def clean_inputs(self) -> list[dict[str, str]]:
            rows: list[dict[str, str]] = self.cleaned_data["inputs"]
            for row in rows:
                source = source_of(row["from"], self.context)
                if source is None or not self.sources.offers(source):
                    message = _(
                        "“%(value)s” for the input “%(name)s” is no value that can be had. Choose another one."
                    )
                    self.add_error("inputs", ValidationError(message % {"value": row["from"], "name": row["name"]}))
            return rows

        def clean_secrets(self) -> list[dict[str, str]]:
            rows: list[dict[str, str]] = self.cleaned_data["secrets"]
            try:
                secrets.opened(rows)
            except secrets.NotToBeHad as error:
                self.add_error("secrets", ValidationError(str(error)))
            return rows

        def clean_outputs(self) -> list[dict[str, str]]:
            rows: list[dict[str, str]] = self.cleaned_data["outputs"]
            for row in rows:
                if row["type"] not in TYPES:
                    message = _("“%(value)s” is no type of the output “%(name)s”. Use one of: %(known)s.")
                    facts = {"value": row["type"], "name": row["name"], "known": ", ".join(TYPES)}
                    self.add_error("outputs", ValidationError(message % facts))
                if row["type"] == "select" and not options_of(row):
                    message = _("The output “%(name)s” has no options. Write them, separated by ;.")
                    self.add_error("outputs", ValidationError(message % {"name": row["name"]}))
                if row["name"] in RESERVED:
                    message = _("An output cannot be called “%(name)s”. Give it another name.")
                    self.add_error("outputs", ValidationError(message % {"name": row["name"]}))
            return rows

    def unavailable(self) -> str:
        return "" if running.allowed() else _("Switched off in this installation")

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found = super().problems(document, context)
        if not running.allowed():
            found.append(Problem("", _("Custom code is switched off in this installation. Remove the step.")))
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        code, names = document.get("code"), [row["name"] for row in named(document, "outputs", "type")]
        if not isinstance(code, str) or not code.strip():
            return _("Write the code")
        lines = len(code.strip().splitlines())
        size = ngettext("%(count)d line of JavaScript", "%(count)d lines of JavaScript", lines) % {"count": lines}
        if not names:
            return size
        return _("%(size)s, which gives %(names)s") % {"size": size, "names": ", ".join(names)}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slugs = (own_slug(row["from"]) for row in named(document, "inputs", "from"))
        return {f"{context.object_type.slug}.{slug}" for slug in slugs if slug}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return outputs_of(document)

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return not document.get("secrets")

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Only asks for the scripts to be run: no transaction is open while they are (workflows.code.running)."""
        asking.ask(batch, params["inputs"])

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        asking.take(batch, params["inputs"], outputs_of(params))

    def tell(self, detail: dict[str, Any], outcome: str, context: StepContext) -> SafeString:
        """The sentence, and below it its requests and what it has written to the console (DOP-09)."""
        sentence = format_html("{}", SafeString(super().tell(detail, outcome, context)))
        if isinstance(asked := detail.get("requests"), list) and asked:
            text = "\n".join(str(line) for line in asked)
            sentence = format_html('{} <code class="console">{}</code>', sentence, text)
        lines, more = detail.get("console"), detail.get("more")
        if not isinstance(lines, list) or not lines:
            return sentence
        text = "\n".join(str(line) for line in lines)
        if isinstance(more, int) and more:
            rest = ngettext("… and %(count)d more line", "… and %(count)d more lines", more) % {"count": more}
            text = f"{text}\n{rest}"
        return format_html('{} <code class="console">{}</code>', sentence, text)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if "again" in detail:
            facts = {"why": detail["again"], "moment": shown_moment(detail.get("until"))}
            return format_html(_("The code threw “{why}”, which may pass. Run again on {moment}."), **facts)
        if outcome == "waiting":
            return format_html("{}", _("The code is run by another process."))
        given = detail.get("outputs")
        values = given.items() if isinstance(given, dict) else ()
        shown = ", ".join(f"{name}: {'—' if value is None else value}" for name, value in values)
        took = {"milliseconds": detail.get("milliseconds", 0), "megabytes": megabytes(detail.get("kilobytes"))}
        if not shown:
            return format_html(_("The code ran ({milliseconds} ms, {megabytes} MB)."), **took)
        return format_html(
            _("The code ran ({milliseconds} ms, {megabytes} MB) and gave {values}"), **took, values=shown
        )


def megabytes(kilobytes: Any) -> int:
    return -(-kilobytes // 1024) if isinstance(kilobytes, int) else 0


def named(document: dict[str, Any], name: str, key: str) -> list[dict[str, str]]:
    """The finished rows of a list in a document that may be anything."""
    rows = document.get(name)
    return [
        row for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get(key), str)
    ]  # fmt: skip


def outputs_of(document: dict[str, Any]) -> dict[str, Property]:
    """What a script is to give back, by name."""
    rows = named(document, "outputs", "type")
    return {
        row["name"]: Property(row["name"], row["name"], row["type"], options_source=options_of(row))
        for row in rows
        if row["type"] in TYPES
    }


def options_of(row: dict[str, str]) -> tuple[Option, ...]:
    """What an output of options can be: "gold; silver"."""
    texts = (text.strip() for text in str(row.get("options") or "").split(";"))
    return tuple(Option(text, text) for text in dict.fromkeys(texts) if text)
