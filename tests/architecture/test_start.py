"""What importing the project needs, and what it must not need: each case is a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from tests.architecture.source import ROOT, modules

ON_POSIX_ONLY: Final = ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty")

LIKE_WINDOWS: Final = """
import asyncio, builtins, signal, sys

ours, missing, real = ("proxy", "store"), set(sys.argv[1].split(",")), builtins.__import__

def imported(name, namespace=None, *rest):
    asking = (namespace or {}).get("__name__", "").partition(".")[0]
    if asking in ours and name.partition(".")[0] in missing:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return real(name, namespace, *rest)

builtins.__import__ = imported
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGKILL", "SIGCHLD", "SIGPIPE"):
    delattr(signal, name)
for line in sys.stdin.read().split():
    __import__(line)
"""

SLOW_TO_IMPORT: Final = ("aiohttp", "pydantic", "aiosqlite", "sqlcipher3", "prometheus_client", "tenacity", "jmespath", "ruamel", "babel")


def python(code: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("missing", [",".join(ON_POSIX_ONLY), "msvcrt,winreg"], ids=["as on Windows", "as on Linux"])
def test_every_module_is_importable(missing: str) -> None:
    names = [module.name for module in modules("proxy", "store") if not module.name.endswith("__main__")]
    result = python(LIKE_WINDOWS, missing, stdin="\n".join(names))
    assert result.returncode == 0, result.stderr


def test_a_module_that_needs_posix_would_be_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "store").mkdir()
    (folder / "store" / "__init__.py").touch()  # a package, as the installed one is: a namespace would stand behind it
    (folder / "store" / "wrong.py").write_text("import fcntl\n")
    code = f"import sys; sys.path[:] = [{str(folder)!r}, *(p for p in sys.path if p)]\n{LIKE_WINDOWS}"
    result = python(code, "fcntl", stdin="store.wrong")
    assert "No module named 'fcntl'" in result.stderr


def test_the_command_line_imports_nothing_slow() -> None:
    result = python("import sys, proxy.cli; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert set(SLOW_TO_IMPORT).isdisjoint(result.stdout.split())


def test_help_imports_nothing_slow() -> None:
    code = "import sys\nfrom proxy.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit as end:\n    print(*sys.modules); raise"
    result = python(code)
    assert result.returncode == 0, result.stderr
    assert "Usage:" in result.stdout
    assert set(SLOW_TO_IMPORT).isdisjoint(result.stdout.split())
