"""What the log says, and what it leaves out."""

from __future__ import annotations

import json
import logging

import pytest

from config.logging import JsonFormatter, TextFormatter
from config.navigation import folding

TOKEN = "s3cret-Token_0123456789"


@pytest.mark.parametrize("place", ["hooks", "forms", "preferences", "t"])
@pytest.mark.parametrize("formatter", [TextFormatter("%(message)s"), JsonFormatter()])
def test_tokens_in_addresses_are_left_out_of_every_line(formatter: logging.Formatter, place: str) -> None:
    for tail in ("", "/", "/sent/?key=1", '"', "\nnext"):
        message = f"Not Found: /{place}/{TOKEN}{tail}"
        record = logging.LogRecord("django.request", logging.WARNING, "", 1, "%s", (message,), None)
        line = formatter.format(record)
        assert TOKEN not in line and f"/{place}/" in line
        if isinstance(formatter, JsonFormatter):
            assert json.loads(line)["level"] == "warning"


def test_which_groups_are_open_is_read_from_whatever_the_cookie_holds() -> None:
    assert folding("forms-1.records-0") == {"forms": True, "records": False}
    assert folding("") == folding("....") == folding("-1") == folding("forms") == folding("x" * 10_000) == {}
    assert folding("forms-2.settings-1.\x00") == {"settings": True}
