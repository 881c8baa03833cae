"""Make an API token for a user and print it, once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from records.api.tokens import DEFAULT_DAYS, issue
from records.clock import database_now
from records.models import Scope
from records.problems import DocumentError


class Command(BaseCommand):
    help = "Makes an API token for a user and prints it on standard output; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--scopes", nargs="+", metavar="SCOPE", help=f"of: {', '.join(Scope.values)}; default all")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help=f"days until it expires ({DEFAULT_DAYS})")
        parser.add_argument("--name", default="", help="what uses the token")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model()._default_manager.filter(username=options["username"]).first()
        if user is None:
            message = _("There is no user “%(name)s”. Create it in the admin first.")
            raise CommandError(message % {"name": options["username"]})
        scopes = options["scopes"] and [scope for text in options["scopes"] for scope in text.split(",") if scope]
        try:
            token, secret = issue(user, scopes, now=database_now(), days=options["days"], name=options["name"])
        except DocumentError as error:
            raise CommandError("; ".join(problem.message for problem in error.problems)) from None
        self.stdout.write(secret)
        facts = {"user": user.username, "scopes": ", ".join(token.scopes), "until": f"{token.expires_at:%Y-%m-%d}"}
        self.stderr.write(_("For %(user)s until %(until)s: %(scopes)s. It cannot be shown again.") % facts)
