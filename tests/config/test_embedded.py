"""PostgreSQL and Redis from the wheels, started for real in folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded_postgres, embedded_redis, services
from config.embedded import EmbeddedServerError, account

PROGRAM = """
import os, sys, time
from config import services
with services.held(durable=False) as started:
    print(" ".join(started) or "nothing", os.environ["DATABASE_URL"], os.environ["REDIS_URL"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder others may pass through; every HEADRACE_HOME below it is cleaned up, whatever happens."""
    base = Path(tempfile.mkdtemp(prefix="head race "))
    base.chmod(0o711)
    yield base
    for state in base.rglob(services.STATE):
        home = state.parent
        embedded_redis.stop(services.read_state(home))
        embedded_postgres.stop(home, services.read_state(home))
        place = embedded_postgres.place_of(home, account())
        if home not in place.parents:
            shutil.rmtree(place)
    shutil.rmtree(base)


@pytest.fixture
def folder(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HEADRACE_HOME, with a space in its path as people's folders have."""
    monkeypatch.setenv("HEADRACE_HOME", str(base / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    return base / "home"


def use() -> subprocess.Popen[str]:
    """Another process that holds the servers until its standard input closes."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def let_go(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_both_servers_live_as_long_as_the_block(folder: Path) -> None:
    with services.held(durable=False) as started:
        assert started == ["PostgreSQL", "Redis"]
        database, broker = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
        with psycopg.connect(database) as connection:
            row = connection.execute("SELECT upper('é'), current_setting('unix_socket_directories')").fetchone()
            assert row == ("É", "")
        with redis.Redis.from_url(broker) as client:
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert "DATABASE_URL" not in os.environ
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(broker) as client:
        client.ping()


def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    with services.held(durable=False):
        state = services.read_state(folder)
        stranger = {name: facts | {"password": "guessed"} for name, facts in state.items()}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(embedded_postgres.url(stranger))
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(embedded_redis.url(stranger)) as client:
            client.ping()


def test_what_holds_passwords_and_keys_is_for_its_owner_only(folder: Path) -> None:
    services.ensure_secrets()
    keys = {name: services.secret(name) for name in ("secret_key", "headrace_secret_keys")}
    services.ensure_secrets()
    assert all(services.secret(name) == key != "" for name, key in keys.items())
    with services.held(durable=False):
        private = [folder / "services.json", *(folder / "secrets").iterdir()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        assert stat.S_IMODE(folder.stat().st_mode) & 0o066 == 0


def test_data_stays_when_the_servers_stop_and_start(folder: Path) -> None:
    with services.held(durable=False), psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with services.held(durable=False), psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_last_of_several_processes_stops_the_servers(folder: Path) -> None:
    first = use()
    facts = ready(first)
    second = use()
    assert facts[:2] == ["PostgreSQL", "Redis"]
    assert ready(second) == ["nothing", *facts[2:]]
    let_go(first)
    psycopg.connect(facts[2]).close()
    let_go(second)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(facts[2])


def test_two_processes_starting_at_once_share_one_pair_of_servers(folder: Path) -> None:
    both = [use(), use()]
    facts = [ready(process) for process in both]
    assert sorted(fact[0] for fact in facts) == ["PostgreSQL", "nothing"]
    assert facts[0][-2:] == facts[1][-2:]
    for process in both:
        let_go(process)


def test_servers_left_by_a_killed_process_are_used_again(folder: Path) -> None:
    killed = use()
    facts = ready(killed)
    killed.kill()
    killed.communicate()
    with services.held(durable=False) as started:
        assert started == []
        assert os.environ["DATABASE_URL"] == facts[2]


def test_a_server_that_was_killed_recovers_despite_its_pid_file(folder: Path) -> None:
    with services.held():
        data = embedded_postgres.place_of(folder, account()) / "data"
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(embedded_postgres.running_pid(data), signal.SIGKILL)
        until = time.monotonic() + 60
        while embedded_postgres.running_pid(data) and time.monotonic() < until:
            time.sleep(0.02)
        assert (data / "postmaster.pid").exists()
        assert services.revive() == ["PostgreSQL"]
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert services.revive() == []


def test_a_pid_file_that_names_another_process_is_stale(folder: Path) -> None:
    with services.held(durable=False):
        data = embedded_postgres.place_of(folder, account()) / "data"
        lines = (data / "postmaster.pid").read_text().splitlines()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert embedded_postgres.running_pid(data) == 0
    with services.held(durable=False) as started:
        assert "PostgreSQL" in started


def test_two_homes_run_side_by_side(folder: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    neighbour = use()
    facts = ready(neighbour)
    monkeypatch.setenv("HEADRACE_HOME", str(base / "other"))
    with services.held(durable=False) as started:
        assert started == ["PostgreSQL", "Redis"]
        assert not {os.environ["DATABASE_URL"], os.environ["REDIS_URL"]} & set(facts)
    monkeypatch.setenv("HEADRACE_HOME", str(folder))
    psycopg.connect(facts[2]).close()
    let_go(neighbour)


def test_a_taken_port_is_left_to_its_owner(folder: Path) -> None:
    with services.held(durable=False):
        pass
    state = services.read_state(folder)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", state["postgres"]["port"]))
        taken.listen()
        with services.held(durable=False):
            port = services.read_state(folder)["postgres"]["port"]
            assert port != state["postgres"]["port"]
            psycopg.connect(os.environ["DATABASE_URL"]).close()


def test_a_redis_that_hangs_is_replaced_where_it_was(folder: Path) -> None:
    with services.held(durable=False):
        address, pid = os.environ["REDIS_URL"], services.read_state(folder)["redis"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        assert services.revive() == ["Redis"]
        assert os.environ["REDIS_URL"] == address
        assert redis.Redis.from_url(address).ping()
        assert services.revive() == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(address).ping()


def test_a_server_that_somebody_else_started_elsewhere_is_followed(folder: Path) -> None:
    with services.held(durable=False):
        address = os.environ["REDIS_URL"]
        os.environ["REDIS_URL"] = "redis://:gone@127.0.0.1:1/0"
        assert services.revive() == []
        assert os.environ["REDIS_URL"] == address


def test_only_what_is_not_given_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@127.0.0.1:1/theirs")
    with services.held(durable=False) as started:
        assert started == ["Redis"]
        assert os.environ["DATABASE_URL"] == "postgres://somebody@127.0.0.1:1/theirs"
    assert os.environ["DATABASE_URL"] == "postgres://somebody@127.0.0.1:1/theirs"


def test_a_lost_password_is_told_and_nothing_is_overwritten(folder: Path) -> None:
    with services.held(durable=False):
        data = embedded_postgres.place_of(folder, account()) / "data"
    (folder / "services.json").write_text(json.dumps({}))
    with pytest.raises(EmbeddedServerError, match="Restore that file"), services.held():
        pass
    assert (data / "PG_VERSION").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_root_behind_a_closed_folder_changes_no_permission(
    folder: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = base / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("HEADRACE_HOME", str(closed / "home"))
    with services.held(durable=False):
        place = embedded_postgres.place_of(closed / "home", account())
        pid = embedded_postgres.running_pid(place / "data")
        assert os.stat(f"/proc/{pid}").st_uid == account().uid != 0
        assert closed not in place.parents
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not account().can_use(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_a_service_user_who_does_not_exist_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVICE_USER", "no-such-user")
    with pytest.raises(EmbeddedServerError, match="no user “no-such-user”"), services.held():
        pass
