"""Takes a page's picture in both themes, and says what is wrong with it without a person looking."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request

from tests.browser.conftest import COLLECT, WEAR

WIDTH, HEIGHT = 1280, 800
#: Pixels of a page that are photographed at most; seconds a page may take, and waits for what it loads afterwards.
LONGEST, SLOW, PATIENCE, QUIET = 6_000, 2.0, 10.0, 0.12
#: Rows of one table, and lines of one list, that a page may show.
ROWS = 200
THEMES = ("light", "dark")
LOOK = Path(__file__).with_name("look.js").read_text()


@dataclass
class Shot:
    """One screen in one state: its pictures, and what is wrong with it."""

    name: str
    state: str
    address: str
    findings: list[str] = field(default_factory=list)
    #: What a person should look at.
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Camera:
    """A browser's window for one person."""

    def __init__(self, context: BrowserContext, base: str, folder: Path) -> None:
        self.base, self.folder = base, folder
        self.page: Page = context.new_page()
        self.page.add_init_script(COLLECT)
        self.complaints: list[str] = []
        self.status = 0
        self.pending: set[Request] = set()
        self.page.on("request", lambda one: self.pending.add(one))
        self.page.on("requestfinished", lambda one: self.pending.discard(one))
        self.page.on("requestfailed", lambda one: self.pending.discard(one))
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("console", self.complain)
        self.page.on("response", self.judge)

    def complain(self, message: Any) -> None:
        # What was refused is told by `judge`; what broke off on its way is told here only.
        told = message.text.startswith("Failed to load resource: the server responded")
        if message.type in ("error", "warning") and not told:
            self.complaints.append(f"console {message.type}: {message.text}")

    def judge(self, answer: Any) -> None:
        if answer.status >= 400:
            self.complaints.append(f"{answer.url.removeprefix(self.base)} answered {answer.status}")

    def take(self, shot: Shot, themes: Sequence[str], expected: int = 200, *, sure: bool = True) -> bool:
        """Photograph a screen; a page that was slow once is opened again, as the machine may have been busy.

        False where there was nothing to photograph: the page is refused, and nobody was `sure` that it would not be.
        """
        shot.seconds = self.open(shot.address)
        if not sure and self.status in (403, 404):
            return False
        if shot.seconds > SLOW:
            shot.seconds = min(shot.seconds, self.open(shot.address))
        for theme in themes:
            self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
            self.page.evaluate(WEAR, theme)
            seen = self.page.evaluate(LOOK, {"theme": theme, "rows": ROWS})
            shot.findings += [line for line in seen["findings"] if line not in shot.findings]
            shot.notes += [line for line in seen["notes"] if line not in shot.notes]
            self.shoot(self.folder / shot.state / theme / shot.name, seen["height"])
        refused = [f"CSP: {line}" for line in self.page.evaluate("window.cspViolations || []")]
        wanted = f"{shot.address} answered {expected}"
        found = [line for line in self.complaints if line != wanted]
        shot.findings += [line for line in dict.fromkeys(found + refused) if line not in shot.findings]
        if shot.seconds > SLOW:
            shot.findings.append(f"took {shot.seconds:.1f} s")
        return True

    def open(self, address: str) -> float:
        """Go to an address; the seconds until its page had come, without what it loads afterwards."""
        self.complaints.clear()
        self.pending.clear()
        answer = self.page.goto(self.base + address, timeout=90_000)
        self.status = answer.status if answer else 0
        took = self.page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd / 1000")
        self.settle(address)
        return float(took)

    def settle(self, address: str) -> None:
        """Wait until nothing loads any more."""
        until, quiet = time.monotonic() + PATIENCE, 0.0
        while quiet < QUIET:
            if time.monotonic() > until:
                still = ", ".join(one.url.removeprefix(self.base) for one in self.pending)
                self.complaints.append(f"{address} still loads {still}")
                return
            self.page.wait_for_timeout(40)
            quiet = 0.0 if self.pending else quiet + 0.04

    def shoot(self, place: Path, height: int) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=f"{place}.png")
        if height > HEIGHT:
            clip: Any = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, LONGEST)}
            self.page.screenshot(path=f"{place}.full.png", full_page=True, clip=clip)


def report(shots: Sequence[Shot], place: Path) -> None:
    """What was found, for programs."""
    place.write_text(json.dumps([vars(shot) for shot in shots], indent=1, ensure_ascii=False))
