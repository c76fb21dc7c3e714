"""
The JSON Schema of profiles, for editors: `python -m proxy.profiles.schema` writes it anew.

It knows shapes and words; what only the whole profile shows (groups that exist, paths that clash) `dosekeeper check` finds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from proxy.profiles.model import Profile

SCHEMA_FILE: Final = Path(__file__).with_name("profile.schema.json")


def schema_text() -> str:
    """Return the schema as the file holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
