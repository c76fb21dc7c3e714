"""Dockerfile, Makefile and documents name things that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from proxy.settings import Settings, load_settings
from tests.architecture.source import ROOT, text

DOCUMENTS: Final = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
MAKE: Final = shutil.which("make")
TARGETS: Final = frozenset(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The keyword and the rest of each instruction of a Dockerfile, continuation lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        keyword, _, rest = line.partition(" ")
        yield keyword, rest.strip()


IMAGE: Final = list(instructions(text("Dockerfile")))
LAST_STAGE: Final = IMAGE[max(i for i, (keyword, _) in enumerate(IMAGE) if keyword == "FROM") :]
SERVED: Final = dict(LAST_STAGE)
COPIED: Final = [p for keyword, rest in IMAGE if keyword == "COPY" and not rest.startswith("--from") for p in rest.split()[:-1]]


@pytest.fixture
def in_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """The settings that the image starts with."""
    monkeypatch.chdir(tmp_path)
    pairs = (word.partition("=") for keyword, rest in LAST_STAGE if keyword == "ENV" for word in rest.split())
    return load_settings(None, {name: value for name, _, value in pairs})


def test_image_runs_as_nobody_in_particular() -> None:
    user, _, group = SERVED["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert [keyword for keyword, _ in LAST_STAGE].index("RUN") < [keyword for keyword, _ in LAST_STAGE].index("USER")


def test_image_keeps_the_journal_in_its_volume(in_container: Settings) -> None:
    assert {in_container.store.path.parent, in_container.store.key_file.parent} == {Path(SERVED["VOLUME"])}


def test_image_is_reached_on_the_ports_it_exposes(in_container: Settings) -> None:
    assert in_container.listen.host == "0.0.0.0"
    assert SERVED["EXPOSE"] == str(in_container.listen.port)
    assert in_container.admin.host == "127.0.0.1", "off loopback the admin port needs a token, which an image cannot bring"
    assert f"http://127.0.0.1:{in_container.admin.port}/readyz" in SERVED["HEALTHCHECK"]


def test_image_starts_and_ends_the_service() -> None:
    command = json.loads(SERVED["ENTRYPOINT"]) + json.loads(SERVED["CMD"])
    assert command == ["dosekeeper", "serve"]
    assert SERVED["STOPSIGNAL"] == "SIGTERM"
    health = json.loads(SERVED["HEALTHCHECK"].partition("CMD")[2])
    compile(health[-1], "HEALTHCHECK", "exec")


def test_image_is_run_without_rights_it_does_not_need() -> None:
    (run,) = re.findall(r"docker run (--read-only.*?) dosekeeper$", text("Dockerfile"), re.MULTILINE)
    assert {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"} <= set(run.split())
    assert f"-v dosekeeper:{SERVED['VOLUME']}" in run


def test_image_has_the_python_of_the_lock() -> None:
    locked = re.search(r"with Python (\d+\.\d+)", text("requirements.lock"))
    bases = [rest for keyword, rest in IMAGE if keyword == "FROM"]
    assert locked is not None
    assert [base for base in bases if not re.fullmatch(rf"python:{re.escape(locked[1])}-slim( AS \w+)?", base)] == []


def test_image_is_made_of_what_exists_and_is_not_ignored() -> None:
    allowed = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    assert [path for path in COPIED if not (ROOT / path).exists()] == []
    assert [path for path in COPIED if not any(fnmatch(path, pattern) for pattern in allowed)] == []


def test_image_has_every_package_and_what_the_build_reads() -> None:
    pyproject = tomllib.loads(text("pyproject.toml"))
    packages = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*packages, pyproject["project"]["readme"], *pyproject["project"]["license-files"], "pyproject.toml"} <= set(COPIED)


@pytest.mark.parametrize("document", [*DOCUMENTS, ".ci/run", "Makefile"])
def test_every_make_target_that_is_named_exists(document: str) -> None:
    named = re.findall(r"(?:^|`|\$ )make ([a-z]+)", text(document), re.MULTILINE)
    assert set(named) <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    named = re.findall(r"(?<![\w./-])(?:proxy|store|simulator|tests|\.ci)/[\w./-]*[\w/]", text(document))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_ci_runs_what_the_readme_says() -> None:
    assert "make test" in text("README.md")
    assert re.search(r"^make test$", text(".ci/run"), re.MULTILINE)


@pytest.mark.skipif(MAKE is None, reason="the Makefile is for machines that have make")
@pytest.mark.parametrize(
    ("python", "says"),
    [
        ('[ "$1" = --version ] && echo Python 3.9.2 && exit 0; exit 1', "needs Python 3.11 or newer"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "sudo apt install python3-venv"),
    ],
    ids=["too old", "no venv"],
)
def test_make_says_what_is_missing(tmp_path: Path, python: str, says: str) -> None:
    stand_in = tmp_path / "python3"
    stand_in.write_text(f"#!/bin/sh\n{python}\n")
    stand_in.chmod(0o755)
    result = subprocess.run(
        [str(MAKE), "setup", f"PYTHON={stand_in}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert result.returncode != 0
    assert says in result.stderr
    assert not (tmp_path / "venv").exists()
