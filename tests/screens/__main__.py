"""`make screens`: photograph every screen, on servers and data of its own that are thrown away afterwards.

Into .headrace/screens/STATE/THEME/NAME.png, with index.html to look through them.
What can be seen to be wrong without a person looking is printed and fails the command.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.__main__ import workshop
from config import services

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
STATES = ("empty", "three", "many")
THEMES = ("light", "dark")
FOLDER = services.BASE_DIR / ".headrace" / "screens"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.screens", description=__doc__)
    parser.add_argument("--only", default="", help="some of the names, or parts of them: history,deal-change")
    parser.add_argument("--state", type=chosen(STATES), default=STATES, help=f"some of {','.join(STATES)}")
    parser.add_argument("--theme", type=chosen(THEMES), default=THEMES, help=f"some of {','.join(THEMES)}")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    with workshop():
        import django

        django.setup()
        logging.disable(logging.ERROR)
        from tests.screens import sheet
        from tests.screens.running import Run

        run = Run(FOLDER, [part for part in options.only.split(",") if part], options.theme)
        shots = run.through(options.state)
        sheet.write(shots, FOLDER)
    bad = [shot for shot in shots if shot.findings]
    for shot in bad:
        for line in shot.findings:
            sys.stdout.write(f"{shot.state} {shot.name}: {line}\n")
    sys.stdout.write(
        f"{len(shots)} screens in {', '.join(options.theme)}, {len(bad)} with findings, "
        f"{time.monotonic() - began:.0f} s: {FOLDER / 'index.html'}\n"
    )
    return 1 if bad else 0


def chosen(known: Sequence[str]) -> Any:
    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if not set(found) <= set(known):
            raise argparse.ArgumentTypeError(f"choose from {', '.join(known)}")
        return found

    return read


if __name__ == "__main__":
    raise SystemExit(main())
