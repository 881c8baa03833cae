"""One state of the database after the other: filled, served, photographed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

from django.core.cache import cache
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connections
from django.test import Client
from playwright.sync_api import sync_playwright

from config.wsgi import application
from crm.models import User
from records.clock import database_now
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.screens import few, many
from tests.screens.addresses import Screen, screens
from tests.screens.camera import HEIGHT, WIDTH, Camera, Shot
from tests.screens.places import Missing, Places
from workflows.health import alerting

#: Screens that say that something is not there.
NOT_FOUND = ("no-such-page", "preferences-broken")
#: Screens of people who have not signed in.
PUBLIC = ("login", "forms", "surveys", "preferences")


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A line for each request would bury what was found."""


class Run:
    """Pictures of the screens whose names have one of the `parts` in them, or of all."""

    def __init__(self, folder: Path, parts: Sequence[str], themes: Sequence[str]) -> None:
        self.folder, self.themes = folder, themes
        self.screens = [one for one in screens() if not parts or any(part in one.name for part in parts)]
        self.shots: list[Shot] = []
        call_command("migrate", verbosity=0)
        self.boss = User.objects.create_superuser(
            "boss", "boss@example.com", "boss", first_name="Ann", last_name="Berg"
        )

    def through(self, states: Sequence[str]) -> list[Shot]:
        """Fill the database step by step, and photograph the states asked for."""
        places = Places()
        fillings: dict[str, Callable[[Places], Places]] = {
            "empty": lambda before: before,
            "three": lambda before: few.fill(self.boss),
            "many": lambda before: many.fill(self.boss, before),
        }
        last = max(list(fillings).index(state) for state in states)
        with serving() as base:
            for state in list(fillings)[: last + 1]:
                began = time.monotonic()
                places = fillings[state](places)
                told(f"{state}: filled in {time.monotonic() - began:.0f} s")
                if state in states:
                    began = time.monotonic()
                    self.photograph(state, places, base)
                    told(f"{state}: photographed in {time.monotonic() - began:.0f} s")
        return self.shots

    def photograph(self, state: str, places: Places, base: str) -> None:
        cache.clear()
        visitor = Client()
        visitor.force_login(self.boss)
        cookie = {"name": "sessionid", "value": visitor.cookies["sessionid"].value, "url": base}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            size: Any = {"width": WIDTH, "height": HEIGHT}
            stranger = Camera(browser.new_context(viewport=size), base, self.folder)
            known = browser.new_context(viewport=size)
            known.add_cookies([cookie])  # type: ignore[list-item]
            insider = Camera(known, base, self.folder)
            for screen in self.screens:
                self.one(screen, state, places, stranger if screen.name.startswith(PUBLIC) else insider)
            browser.close()

    def one(self, screen: Screen, state: str, places: Places, camera: Camera) -> None:
        try:
            shot = Shot(screen.name, state, places.address(screen))
        except Missing:
            return
        alerting.beat("clock", database_now(), database_now())
        try:
            if not camera.take(shot, self.themes, 404 if screen.name in NOT_FOUND else 200, sure=screen.sure):
                return
        except Exception as error:  # noqa: BLE001 (one screen must not keep the others from being looked at)
            shot.findings.append(f"could not be photographed: {error}")
        self.shots.append(shot)
        if shot.findings:
            told(f"{state} {shot.name}: {'; '.join(shot.findings)}"[:400])


@contextmanager
def serving() -> Iterator[str]:
    """The site on a free port of this machine, for as long as the block lasts."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, connections_override=None)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        connections.close_all()


def told(line: str) -> None:
    sys.stderr.write(line + "\n")
