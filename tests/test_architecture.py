"""The rules that keep the rooms apart."""

from __future__ import annotations

import ast
import smtplib
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: A package may import itself and those to its right.
ORDER = ("config", "crm", "workflows", "records")
MODULE_LIMIT = 300
BANNED = {"utils", "helpers", "services", "common", "misc"}
ALLOWED = {Path("config/services.py")}
#: Verbs of workflows never know who calls them.
ENTRY_POINTS = {"admin", "api", "editor", "management", "views", "urls"}
#: What talks to other machines by itself.
OUTSIDE_WORLD = {
    "aiohttp", "asyncio", "ftplib", "http.client", "http.server", "httpx", "imaplib", "poplib", "pycurl", "requests",
    "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
#: The one door out, and who speaks with this machine only: its servers, its own web; or asks what it is called.
DOORS = {
    "workflows/outside/door.py": {"socket", "ssl", "http.client"},
    "config/management/commands/up.py": {"http.client", "socket"},
    "config/embedded.py": {"socket"},
    "workflows/processes/rounds.py": {"socket"},
}
#: Whose libraries the product uses. Of a new one somebody has to say first by which door it leaves the house, if any:
#: anymail is a mail service the operator has chosen, redis and psycopg are the operator's own servers.
LIBRARIES = {
    "anymail", "certifi", "croniter", "cryptography", "csp", "django", "django_filters", "drf_spectacular", "environ",
    "honcho", "liquid", "nh3", "pgtrigger", "phonenumbers", "prometheus_client", "psycopg", "py_mini_racer", "redis",
    "rest_framework", "rq", "timezone_field", "yaml",
}  # fmt: skip
#: Who starts programs: its servers and processes, and scripts in a process that can reach nothing.
STARTING_PROGRAMS = {
    "config/embedded.py", "config/embedded_postgres.py", "config/processes.py", "workflows/code/sandbox.py",
}  # fmt: skip
#: Ways to mail servers go by what Django is set to; these know its errors.
KNOWING_MAIL_SERVERS = {"workflows/outbox/mailing.py"}


def modules() -> Iterator[Path]:
    """Every Python file of the product, without migrations."""
    for package in ORDER:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), str(path))


@cache
def imports(path: Path) -> tuple[tuple[int, str], ...]:
    """Every module a file imports, wherever in it: at the top, in functions, under TYPE_CHECKING, by import_module."""
    return tuple(imported(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by the whole name"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"import_module", "__import__"}:
            yield from ((node.lineno, str(given.value)) for given in node.args if isinstance(given, ast.Constant))


MODULES = list(modules())


def importing(paths: Iterable[Path], forbidden: Callable[[Path, str], bool]) -> list[str]:
    """Every import a rule forbids, as place and name."""
    return [f"{path}:{line} imports {name}" for path in paths for line, name in imports(path) if forbidden(path, name)]


def test_the_product_is_where_we_look() -> None:
    assert {path.parts[0] for path in MODULES} == set(ORDER)
    assert len(MODULES) > 200


def test_imports_go_in_one_direction() -> None:
    def upwards(path: Path, name: str) -> bool:
        return name.split(".")[0] in {*ORDER[: ORDER.index(path.parts[0])], "tests", "benchmarks"}

    assert importing(MODULES, upwards) == []


def test_a_module_fits_on_a_few_screens() -> None:
    """Cut one that does not where its subject changes."""
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LIMIT} == {}


def test_a_module_is_named_by_what_it_does() -> None:
    assert [str(path) for path in MODULES if {path.stem, *path.parts[:-1]} & BANNED and path not in ALLOWED] == []


def test_verbs_do_not_import_entry_points() -> None:
    def to_entry_point(path: Path, name: str) -> bool:
        package, _, rest = name.partition(".")
        return package == path.parts[0] and rest.split(".")[0] in ENTRY_POINTS

    verbs = [
        path
        for path in MODULES
        if path.parts[0] in ("records", "workflows")
        and not {*path.parts[1:-1], path.stem} & {*ENTRY_POINTS, "jobs", "apps", "signals"}
    ]
    assert importing(verbs, to_entry_point) == []


def test_there_is_one_door_out() -> None:
    assert importing(MODULES, leaves_the_house) == []
    places = [str(path) for path in MODULES if str(path) in DOORS]
    assert places == sorted(DOORS), "every door is there"
    assert calls_of("socket", "workflows/processes/rounds.py") == {"gethostname"}


def test_no_other_library_or_program_can_leave_the_house_unseen() -> None:
    def unknown(path: Path, name: str) -> bool:
        top = name.partition(".")[0]
        return top not in sys.stdlib_module_names and top not in LIBRARIES and top not in ORDER

    def starts_programs(path: Path, name: str) -> bool:
        return (
            name.partition(".")[0] in {"subprocess", "multiprocessing", "pty"} and str(path) not in STARTING_PROGRAMS
        )

    def talks_to_mail_servers(path: Path, name: str) -> bool:
        return name.partition(".")[0] == "smtplib" and str(path) not in KNOWING_MAIL_SERVERS

    assert importing(MODULES, unknown) == []
    assert importing(MODULES, starts_programs) == []
    assert importing(MODULES, talks_to_mail_servers) == []
    started = {"system", "popen", "execv", "execve", "execvp", "spawnv", "spawnl", "posix_spawn", "startfile"}
    assert [str(path) for path in MODULES if calls_of("os", str(path)) & started] == []
    assert calls_of("smtplib", *KNOWING_MAIL_SERVERS) <= {
        name for name in vars(smtplib) if name.startswith("SMTP") and name not in {"SMTP", "SMTP_SSL"}
    }
    assert unknown(Path("crm/x.py"), "boto3.client") and not unknown(Path("crm/x.py"), "json")


def leaves_the_house(path: Path, name: str) -> bool:
    """Whether a module imports what talks to other machines and is none of the doors."""
    parts = name.split(".")
    found = {".".join(parts[:count]) for count in range(1, len(parts) + 1)} & OUTSIDE_WORLD
    return bool(found - DOORS.get(str(path), set()))


def calls_of(module: str, path: str) -> set[str]:
    """What a file uses of a module."""
    nodes = (node for node in ast.walk(tree_of(Path(path))) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == module}


def test_a_second_door_is_noticed() -> None:
    for name in ("socket", "requests.get", "urllib.request.urlopen", "http.client.HTTPSConnection", "httpx"):
        assert leaves_the_house(Path("crm/somewhere.py"), name), name
        assert leaves_the_house(Path("workflows/processes/rounds.py"), name) == (name != "socket")
    for name in ("urllib.parse.quote", "http", "http.HTTPStatus", "requesting"):
        assert not leaves_the_house(Path("crm/somewhere.py"), name), name


def test_nobody_reads_a_clock_of_their_own() -> None:
    """`now` is an argument, read from the database by entry points (records.clock)."""
    clocks = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
    wrong = [
        f"{path}:{node.lineno}"
        for path in MODULES
        if path.parts[0] != "config"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (getattr(node.func.value, "id", getattr(node.func.value, "attr", "")), node.func.attr) in clocks
    ]
    assert wrong == []
