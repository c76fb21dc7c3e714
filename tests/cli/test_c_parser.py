"""Without aiohttp's C parser requests could be smuggled: neither `serve` nor `check` goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["serve", "check"])
def test_without_the_c_parser_nothing_is_served(tmp_path: Path, command: str) -> None:
    (tmp_path / "config.yaml").write_text("{}\n")
    run = subprocess.run(
        [sys.executable, "-m", "proxy", "--config", str(tmp_path / "config.yaml"), command],
        env=os.environ | {"AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 2
    assert "without its C parser" in run.stdout + run.stderr
    assert "pip install" in run.stdout + run.stderr
    assert not (tmp_path / "data").exists()
