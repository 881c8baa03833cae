"""The README names every setting there is, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env\.\w+\(|environ\.get\(|environ\[)\s*["']([A-Z][A-Z_]+)["']""")
#: Set by the entry points themselves, and by tests that kill a process at a named point.
INTERNAL = {"DJANGO_SETTINGS_MODULE", "HEADRACE_FAILPOINT"}


def test_every_environment_variable_is_in_the_table_of_settings() -> None:
    read = {
        name
        for package in ("config", "crm", "workflows", "records")
        for path in (ROOT / package).rglob("*.py")
        for name in READ.findall(path.read_text())
    }
    table = [line.split("|")[1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    documented = {name for cell in table for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert read - INTERNAL == documented
