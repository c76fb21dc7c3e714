"""A process whose disk fails on command: `faulty_disk.c`, compiled and preloaded."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_suffix(".c")


def compiled(folder: Path, source: Path = SOURCE) -> Path:
    """Return the library of *source*, made in *folder*."""
    library = folder / f"{source.stem}.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(source), "-ldl", "-pthread"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class FaultyDisk:
    """The orders of one process's disk."""

    library: Path
    orders: Path

    def environ(self) -> dict[str, str]:
        """Return what the process is to be started with."""
        return {"LD_PRELOAD": str(self.library), "FAULTY_DISK": str(self.orders)}

    def order(self, *lines: str) -> None:
        """Give orders in the place of those before; none: the disk is well. The old or the new ones are read, never half of them."""
        new = self.orders.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(self.orders)
