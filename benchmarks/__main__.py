"""`make bench`: all benchmarks, on servers and data of their own that are thrown away afterwards."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import embedded_postgres, services
from config.embedded import account

SUITES = ("journal", "engine", "actions", "latency", "criteria", "editor", "history")
EXIT_CODES = """
    Exit code: 0 when every goal measured was met; 1 when one was missed, or a variant left other rows than the others
    (the output says which); 2 for arguments that cannot be used. On a machine that does other things, too, goals in
    milliseconds are missed for that alone; ratios of CPU seconds hold better. Log lines go to the standard error.
"""


@contextmanager
def workshop() -> Iterator[Path]:
    """A HEADRACE_HOME that lasts as long as the block, with durable servers as in production."""
    home = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    home.chmod(0o711)
    for name in ("DATABASE_URL", "REDIS_URL", "DEBUG"):
        os.environ.pop(name, None)
    os.environ |= {"HEADRACE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"}
    place = home
    try:
        services.ensure_secrets()
        with services.held():
            place = embedded_postgres.place_of(home, account())
            yield home
    finally:
        shutil.rmtree(home)
        if home not in place.parents:
            shutil.rmtree(place, ignore_errors=True)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if not set(chosen) <= set(SUITES):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(SUITES)}")
    return chosen


def slugs(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("--only", type=names, default=SUITES, help=f"some of {','.join(SUITES)}")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the journal's benchmark")
    parser.add_argument(
        "--contacts",
        type=numbers,
        default=(1_000, 10_000, 100_000),
        help="contacts of the reference job: 1000,10000; 1000000 takes about 15 minutes",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each variant (a third of it beyond 10,000)")
    parser.add_argument("--through", type=int, default=10_000, help="records sent through each action")
    parser.add_argument("--actions", type=slugs, default=(), help="some actions only: edit_record,send_sms")
    parser.add_argument("--changes", type=int, default=100, help="changes of the latency benchmark")
    parser.add_argument("--bulk", type=int, default=90_000, help="enrollments executed while reactions are measured")
    parser.add_argument("--flood", type=int, default=0, help="1000000: that many due at once, watched for 150 s")
    parser.add_argument("--workflows", type=numbers, default=(1, 100, 1_000), help="active workflows of one change")
    parser.add_argument("--records", type=int, default=1_000_000, help="contacts 250 filters are counted over")
    parser.add_argument("--enrollments", type=int, default=100_000, help="of the history, with ten lines of log each")
    options = parser.parse_args()
    # Ended from outside, it still stops its servers and removes its data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with workshop():
        import django

        django.setup()
        from django.core.management import call_command

        from benchmarks import actions, criteria, editor, engine, history, journal, latency

        call_command("migrate", verbosity=0)
        suites = {
            "journal": lambda: journal.run(options.rows, sys.stdout),
            "engine": lambda: engine.run(options.contacts, options.rounds, sys.stdout),
            "actions": lambda: actions.run(options.through, sys.stdout, options.actions),
            "latency": lambda: latency.run(options.changes, options.bulk, options.flood, sys.stdout),
            "criteria": lambda: criteria.run(options.workflows, options.records, sys.stdout),
            "editor": lambda: editor.run(sys.stdout),
            "history": lambda: history.run(options.enrollments, sys.stdout),
        }
        met = [suites[name]() for name in options.only]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
