"""`manage.py reseal_secrets`: seals every stored secret with the newest key, so that older keys can be taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from records.sealing import reseal_all


class Command(BaseCommand):
    help = "Encrypt the secrets of connections and webhooks anew, with the first of HEADRACE_SECRET_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = reseal_all()
        self.stdout.write(f"{done} secrets are sealed with the newest key.")
        if unreadable:
            raise CommandError(f"None of HEADRACE_SECRET_KEYS opens the secrets of: {', '.join(unreadable)}.")
