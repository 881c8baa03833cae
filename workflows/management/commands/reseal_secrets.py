"""`manage.py reseal_secrets`: seals every stored secret with the newest key, so that older keys can be taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.outside import connecting
from workflows.webhooks import keeping


class Command(BaseCommand):
    help = "Encrypt the secrets of connections and webhooks anew, with the first of HEADRACE_SECRET_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = 0, []
        for reseal_all in (connecting.reseal_all, keeping.reseal_all):
            count, names = reseal_all()
            done += count
            unreadable += names
        self.stdout.write(f"{done} secrets are sealed with the newest key.")
        if unreadable:
            raise CommandError(f"None of HEADRACE_SECRET_KEYS opens the secrets of: {', '.join(unreadable)}.")
