"""How the processes log: one line of words or of JSON to standard error."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

#: What every log record has; the rest of its attributes are the facts given by `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
#: Facts of Django's own records that are objects of the running request, never for a log.
UNLOGGABLE = frozenset({"request", "server_time"})


#: Addresses whose next part is as good as a password: whoever reads the log could send, or answer, in another's name.
SECRET = re.compile(r"""(/(?:hooks|forms|preferences|t)/)[^/\s?\\"']+""")


def redacted(text: str) -> str:
    """A line without the tokens of webhooks, forms and mails' links: "/hooks/…/"."""
    return SECRET.sub(r"\1…", text)


class TextFormatter(logging.Formatter):
    """A line of words, and the lines of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the facts given by `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(self.line(record))

    def line(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in STANDARD | UNLOGGABLE}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def logging_settings(level: str, style: str) -> dict[str, Any]:
    """Django's LOGGING. `level` is that of our own packages; `style` is "text" or "json"."""
    ours = {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {
                "()": "config.logging.TextFormatter",
                "format": "{asctime} {levelname:<7} {name}: {message}",
                "style": "{",
            },
            "json": {"()": "config.logging.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": dict.fromkeys(("config", "crm", "workflows", "records"), ours)
        | {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
    }
