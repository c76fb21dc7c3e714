"""A log line says what our code chose to say, and nothing of a person."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from proxy.logs import JsonFormatter, TextFormatter

NAME = "Lakshmi Nair"


def record(logger: str, message: str, *args: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord(logger, logging.WARNING, __file__, 1, message, args, info)
    vars(made).update(extra)
    return made


def written(made: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = json.loads(JsonFormatter().format(made))
    return found


def test_an_event_of_ours() -> None:
    event = written(record("proxy.traffic.sender", "record %s", "settled", action="settle", number=7))
    assert event.pop("time")
    assert event == {"level": "warning", "action": "settle", "message": "record settled", "number": 7}


def test_a_librarys_line_is_its_template() -> None:
    assert written(record("aiohttp.server", "Error handling request from %s", NAME))["message"] == "Error handling request from %s"
    assert NAME not in JsonFormatter().format(record("asyncio", f"Task exception was never retrieved\nfuture: {NAME}"))


def failure() -> Exception:
    try:
        json.loads(f'{{"name": "{NAME}"')
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_exception_is_its_type(formatter: logging.Formatter) -> None:
    line = formatter.format(record("proxy.service", "failed", error=failure(), action="step_failed"))
    assert "JSONDecodeError" in line
    assert NAME not in line
    assert "\n" not in line


def test_an_exception_names_our_own_place() -> None:
    from proxy.operations.asked import NothingAsked, parsed
    from proxy.operations.errors import Unfit

    try:
        parsed(NothingAsked, {"x": 1})
    except Unfit:
        event = written(logging.LogRecord("proxy.x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info()))
        assert str(event["at"]).startswith("proxy.operations.asked:")
    else:
        raise AssertionError


def test_text_is_one_line_to_read() -> None:
    line = TextFormatter().format(record("proxy.service", "ready", action="ready", port=8480))
    assert line.split(" ", 1)[1] == "warning ready ready port=8480"
