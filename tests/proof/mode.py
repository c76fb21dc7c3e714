"""`make proof` tries much more of everything than `make test`: every cut, every seed, all mutants."""

from __future__ import annotations

import os
from typing import Final

PROOF: Final = os.environ.get("HYPOTHESIS_PROFILE") == "proof"
