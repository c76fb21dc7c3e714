"""The dialects that desks speak, by the profile of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.cowin.desk import COWIN
from simulator.fhir.desk import FHIR
from simulator.forms import Dialect

DIALECTS: Final[Mapping[str, Dialect]] = {"cowin-vaccinator": COWIN, "fhir-r4": FHIR}
