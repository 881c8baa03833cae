"""Chromium for the tests of screens: a logged-in page that reports what it may not do, and axe."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, expect

from crm.models import User
from tests.browser.world import make_stages

HERE = Path(__file__).parent
#: axe-core 4.14.1 (MPL-2.0), the accessibility checker; used by tests only.
AXE = HERE / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: The rules that colours can break; all others find the same in both themes.
COLOURS = ["color-contrast", "link-in-text-block"]
CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Where `screenshot` puts pictures; nowhere unless it is set.
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
# Playwright's own event loop runs in the thread of the test, which Django would take for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

#: Runs before any script of a page: notes what the Content Security Policy refuses.
COLLECT = """
window.cspViolations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.cspViolations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""

#: Wears a theme, and has every change of colours end at once: one in what is not drawn just now would never end.
WEAR = """async (theme) => {
  document.documentElement.dataset.theme = theme;
  for (let round = 0; round < 50; round++) {
    const changing = document.getAnimations().filter((one) => one instanceof CSSTransition);
    if (!changing.length) return;
    for (const one of changing) one.finish();
    await new Promise((done) => setTimeout(done, 10));
  }
}"""

# A busy machine may take its time: what comes late is not wrong.
expect.set_options(timeout=20_000)
#: How long a page may take to open, and an element to be there that is acted on.
PATIENCE_MS = 90_000


@pytest.fixture(autouse=True)
def counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are exact: the planner knows little of tables just emptied, and a busy machine takes its time."""
    monkeypatch.setattr("records.criteria.counting.CHEAP", float("inf"))
    monkeypatch.setattr("records.criteria.counting.QUICK_MS", 60_000)


@pytest.fixture
def ann(db: None) -> User:
    """Who uses the editor, with the pipeline of deals the workflows are about."""
    make_stages()
    return User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Any]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@dataclass
class Screen:
    """A page of the running site, and everything it complained about since it was opened.

    With `both` it is light, and is also looked at in the dark whenever axe or a picture of it is asked for.
    """

    page: Page
    base: str
    both: bool = False
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a path of the site and wait until nothing loads any more."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status < 400, f"{path} answered {answer.status}"
        self.page.wait_for_load_state("networkidle")
        return self.page

    def problems(self) -> list[str]:
        """Console errors, script errors and refusals of the Content Security Policy so far."""
        refused = self.page.evaluate("window.cspViolations")
        return [*self.complaints, *(f"CSP {line}" for line in refused)]

    def axe(self, but: tuple[str, ...] = ()) -> list[str]:
        found = axe(self.page, but)
        if self.both:
            with self.dark():
                found += [f"in the dark, {line}" for line in axe(self.page, but, COLOURS)]
        return found

    def screenshot(self, name: str) -> None:
        if not SCREENSHOTS:
            return
        self.page.screenshot(path=Path(SCREENSHOTS) / f"{name}{'-light' if self.both else ''}.png")
        if self.both:
            with self.dark():
                self.page.screenshot(path=Path(SCREENSHOTS) / f"{name}-dark.png")

    @contextlib.contextmanager
    def dark(self) -> Iterator[None]:
        """The page as it stands in the other theme, which changes one attribute of it, and back."""
        self.page.evaluate(WEAR, "dark")
        yield
        self.page.evaluate(WEAR, "light")


def axe(page: Page, but: tuple[str, ...] = (), only: list[str] = RULES) -> list[str]:
    """The violations of WCAG 2.2 A and AA on a page, one line per element; `but` are rules left out."""
    page.evaluate(AXE.read_text())
    options = {
        "runOnly": only,
        "preload": False,
        "resultTypes": ["violations"],
        "rules": {rule: {"enabled": False} for rule in but},
    }
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


class Answering:
    """Counts the requests the live server is answering: emptying the tables under one would be a deadlock."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = threading.Condition()
        request_started.connect(self.begin)
        request_finished.connect(self.end)

    def begin(self, **_facts: Any) -> None:
        with self.changed:
            self.count += 1

    def end(self, **_facts: Any) -> None:
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def settle(self) -> None:
        """Wait until every request has been answered."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.count <= 0, timeout=30), f"{self.count} requests hang"


@pytest.fixture(scope="session")
def answering() -> Answering:
    return Answering()


@pytest.fixture
def open_screen(live_server: Any, chromium: Any, answering: Answering) -> Iterator[Callable[..., Screen]]:
    """A function that gives a screen: `open_screen(user, theme="dark")`; without a user nobody is logged in.

    The theme "both" is light, and dark for axe and pictures. `touch` is a screen that is used with fingers.
    """
    contexts: list[BrowserContext] = []

    def screen(
        user: Any = None, *, theme: str = "light", width: int = 1280, height: int = 720, touch: bool = False
    ) -> Screen:
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, reduced_motion="reduce", has_touch=touch)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if user is not None:
            visitor = Client()  # One each, or the second person's login would end the first one's.
            visitor.force_login(user)
            session = visitor.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.add_init_script(COLLECT)
        page.add_init_script(f"localStorage.setItem('theme', '{'light' if theme == 'both' else theme}')")
        found = Screen(page, live_server.url, theme == "both")
        page.on("pageerror", lambda error: found.complaints.append(f"script: {error}"))
        page.on("console", lambda message: complain(found, message))
        return found

    yield screen
    for context in contexts:
        context.close()
    answering.settle()


def complain(screen: Screen, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        screen.complaints.append(f"{message.type}: {message.text}")
