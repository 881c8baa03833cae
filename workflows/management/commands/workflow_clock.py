"""`manage.py workflow_clock`: the process that does on time what is due."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from workflows.code.keeping import keeping
from workflows.engine.taking_back import take_back
from workflows.processes.clock import Clock


class Command(BaseCommand):
    help = "Watch for changes and due work, and have the workers do it; do it here while Redis is away."

    def handle(self, *args: Any, **options: Any) -> None:
        clock = Clock()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, clock.stop)
        self.stdout.write("The clock is running.")
        take_back()
        with keeping():
            clock.run()
        self.stdout.write("The clock has stopped.")
