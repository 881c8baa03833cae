#!/usr/bin/env python
"""Django's command line with Headrace's settings, and with embedded servers where no address is given."""

import os
import signal
import sys

#: Commands that neither need a database nor the keys.
OFFLINE = {"help", "--help", "-h", "version", "--version", "makemessages", "compilemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    if len(sys.argv) < 2 or sys.argv[1] in OFFLINE:
        execute_from_command_line(sys.argv)
        return

    from config import services
    from config.embedded import EmbeddedServerError

    # Ended from outside, a command still lets go of the servers it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    services.ensure_secrets()
    try:
        with services.held():
            execute_from_command_line(sys.argv)
    except EmbeddedServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
