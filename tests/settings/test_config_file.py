"""The shipped `config.yaml` is what it says: every key, at its default, with a comment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from proxy.document import read_document, validated
from proxy.settings import Settings

CONFIG = Path(__file__).parents[2] / "config.yaml"


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, (*path, name))
        else:
            yield (*path, name)


def test_every_value_is_the_default() -> None:
    assert validated(read_document(CONFIG, ""), Settings) == Settings()


def test_every_key_is_there_and_has_a_comment() -> None:
    places = read_document(CONFIG, "").places
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    missing = [key for key in leaves(Settings) if key not in places]
    assert missing == []
    bare = [key for key in leaves(Settings) if len(lines[(places[key].line or 0) - 1].partition("  # ")[2]) < 10]
    assert bare == []
