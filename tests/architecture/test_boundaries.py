"""What import-linter cannot see: names within a library, calls and texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.architecture.source import ROOT, Module, modules

SQL: Final = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|TRIGGER|VIEW)"
    r"|PRAGMA\s+\w|BEGIN\s+IMMEDIATE)\b",
    re.DOTALL,
)
CLIENT: Final = re.compile(r"aiohttp\.(Client(Session|Request|Timeout)\b|client\b|request\b|TCPConnector\b)")
CLOCK: Final = frozenset({"now", "utcnow", "today"})

Finder = Callable[[Module], Iterator[ast.stmt | ast.expr]]


def sql_texts(module: Module) -> Iterator[ast.expr]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            yield node


def http_clients(module: Module) -> Iterator[ast.stmt | ast.expr]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute() if CLIENT.fullmatch(ast.unparse(node)):
                yield node
            case ast.ImportFrom(module=str(source)) if any(CLIENT.match(f"{source}.{name.name}") for name in node.names):
                yield node
            case ast.Import() if any(CLIENT.match(name.name) for name in node.names):
                yield node


def prints(module: Module) -> Iterator[ast.expr]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write", "click.echo"):
            yield node


def clock_readings(module: Module) -> Iterator[ast.expr]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK:
            yield node


def example(source: str) -> Module:
    return Module("example", ROOT / "example.py", ast.parse(source))


RULES: Final = [
    pytest.param(sql_texts, ("proxy", "simulator"), (), id="only the store contains SQL"),
    pytest.param(
        http_clients,
        ("proxy", "store"),
        ("proxy.traffic.upstream", "proxy.traffic.credentials", "proxy.traffic.prober"),
        id="one door to the upstream",
    ),
    pytest.param(prints, ("proxy", "store"), ("proxy.cli",), id="only commands print"),
    pytest.param(clock_readings, ("proxy.rules", "proxy.profiles"), (), id="rules are told the time"),
]


@pytest.mark.parametrize(("find", "packages", "allowed"), RULES)
def test_stays_in_its_room(find: Finder, packages: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    looked_at = [m for m in modules(*{p.partition(".")[0] for p in packages}) if m.within(*packages) and not m.within(*allowed)]
    assert looked_at
    assert [module.at(node) for module in looked_at for node in find(module)] == []


@pytest.mark.parametrize(
    ("find", "source"),
    [
        (sql_texts, 'db.execute("""\nSELECT number\nFROM record""")'),
        (sql_texts, 'PUT = "INSERT OR IGNORE INTO record VALUES (1)"'),
        (http_clients, "import aiohttp\nsession = aiohttp.ClientSession()"),
        (http_clients, "from aiohttp import ClientSession as S, web"),
        (http_clients, "from aiohttp.client import request"),
        (prints, 'print("hello")'),
        (clock_readings, "import datetime\nat = datetime.datetime.now(datetime.UTC)"),
    ],
)
def test_a_breach_is_found(find: Finder, source: str) -> None:
    assert len(list(find(example(source)))) == 1


@pytest.mark.parametrize("source", ["from aiohttp import web", 'say("select one from the list")', "def print(page): ..."])
def test_what_is_harmless_passes(source: str) -> None:
    module = example(source)
    assert [node for find in (sql_texts, http_clients, prints, clock_readings) for node in find(module)] == []
