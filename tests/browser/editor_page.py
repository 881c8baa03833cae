"""The editor as a person uses it: by mouse, or with the keyboard alone."""

from __future__ import annotations

import re
from typing import Any

from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from workflows.models import Workflow


def fits(page: Page) -> bool:
    """Nothing scrolls sideways, and no button of the bar is cut off."""
    return page.evaluate("""[document.documentElement, ...document.querySelectorAll(".flow-bar")]
        .every((found) => found.scrollWidth <= found.clientWidth)""")


def quiet(page: Page) -> None:
    """Let the half second pass the script waits for: by the page's own clock, whose timers go off in their order."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 600))")


class Editor:
    """The editor of one workflow in one tab."""

    def __init__(self, screen: Any, theme: str = "light") -> None:
        self.screen, self.theme = screen, theme
        self.page: Page = screen.page

    def open(self, workflow: Workflow, step: str = "") -> Editor:
        query = f"?step={step}" if step else ""
        self.screen.open(reverse("admin:workflow_editor", args=[workflow.pk]) + query)
        self.ready()
        return self

    def ready(self) -> None:
        expect(self.page.locator("#flow")).to_have_attribute("data-ready", "")

    @property
    def panel(self) -> Locator:
        return self.page.locator("#flow-panel")

    @property
    def builder(self) -> Locator:
        """The first criteria builder of the panel, ready."""
        found = self.panel.locator("[data-criteria]").first
        expect(found).to_have_attribute("data-state", "ready")
        return found

    def card(self, step: str) -> Locator:
        return self.page.locator(f'.flow-card[data-step="{step}"]')

    def more(self, step: str) -> Locator:
        return self.page.locator(f"#s-{step} .flow-more")

    def plus(self, place: str) -> Locator:
        return self.page.locator(f'.flow-plus[data-at="{place}"]')

    def steps(self) -> list[str]:
        """The ids of the steps in reading order."""
        return self.page.locator(".flow-card[data-path]").evaluate_all("all => all.map((one) => one.dataset.step)")

    def tab(self, name: str) -> None:
        """Bring a tab of the trigger's panel to the front."""
        self.panel.get_by_role("tab", name=name).click()

    def add(self, place: str, action: str) -> None:
        """Add an action at a place with the mouse; its panel is open then."""
        self.plus(place).click()
        self.page.get_by_role("option", name=action).click()
        expect(self.panel.get_by_role("heading", name=action)).to_be_visible()

    def saved(self) -> None:
        """Wait until everything is stored."""
        quiet(self.page)
        expect(self.page.locator("#flow-saved")).to_have_text(re.compile("^Saved"))

    def close(self) -> None:
        self.panel.get_by_role("button", name="Done").click()
        expect(self.panel).to_be_hidden()

    def menu(self, step: str, what: str) -> None:
        self.more(step).click()
        self.page.locator("#flow-menu").get_by_role("button", name=what, exact=True).click()

    def toast(self, text: str) -> Locator:
        return self.page.locator(".toast", has_text=text)
