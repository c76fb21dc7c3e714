"""Where settings come from, and in which order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from proxy.document.fields import FromEnvironment, FromFile, FromText
from proxy.settings import Settings, load_settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_without_a_file_all_is_at_its_default() -> None:
    assert load_settings(None, {}) == Settings()


def test_config_yaml_of_the_current_folder_is_found(here: Path) -> None:
    (here / "config.yaml").write_text("centre: {id: rudrapur-mc}\n")
    assert load_settings(None, {}).centre.id == "rudrapur-mc"


def test_the_file_given_comes_before_the_variable_and_that_before_the_current_folder(here: Path) -> None:
    for name in ("config", "named", "given"):
        (here / f"{name}.yaml").write_text(f"centre: {{id: {name}}}\n")
    environ = {"DOSEKEEPER_CONFIG": "named.yaml"}
    assert load_settings(Path("given.yaml"), environ).centre.id == "given"
    assert load_settings(None, environ).centre.id == "named"
    assert load_settings(None, {}).centre.id == "config"


def test_json_is_accepted(here: Path) -> None:
    (here / "config.yaml").write_text(json.dumps({"answering": {"answer_within": "1s"}, "log": {"level": "debug"}}, indent=2))
    settings = load_settings(None, {})
    assert (settings.answering.answer_within, settings.log.level) == (1.0, "debug")


def test_an_empty_file_and_an_empty_section_are_defaults(here: Path) -> None:
    (here / "config.yaml").write_text("# nothing yet\n")
    assert load_settings(None, {}) == Settings()
    (here / "config.yaml").write_text("listen:\n  # port: 9480\n")
    assert load_settings(None, {}) == Settings()


def test_a_byte_order_mark_is_no_part_of_the_first_key(here: Path) -> None:
    (here / "config.yaml").write_bytes(b"\xef\xbb\xbfcentre: {id: rudrapur-mc}\r\n")
    assert load_settings(None, {}).centre.id == "rudrapur-mc"


def test_units_become_seconds_and_bytes(here: Path) -> None:
    (here / "config.yaml").write_text("outage: {probe_every: 500ms}\nprivacy: {keep_delivered: 7d}\nstore: {reserve: 1GiB}\n")
    settings = load_settings(None, {})
    assert (settings.outage.probe_every, settings.privacy.keep_delivered, settings.store.reserve) == (0.5, 604_800.0, 1024**3)


def test_relative_paths_start_at_the_folder_of_the_file(here: Path) -> None:
    folder = here / "etc"
    folder.mkdir()
    (folder / "centre.yaml").write_text(
        "profile: own.yaml\nadmin: {token_file: token}\nstore: {path: /var/lib/journal.db}\n"
        "upstream: {headers: {x-api-key: {file: secrets/key}}}\n"
    )
    settings = load_settings(folder / "centre.yaml", {})
    assert settings.profile == str(folder / "own.yaml")
    assert settings.admin.token_file == folder / "token"
    assert settings.store.path == Path("/var/lib/journal.db")
    assert settings.store.key_file == folder / "data" / "journal.key"
    assert settings.upstream.headers["x-api-key"] == FromFile(folder / "secrets" / "key")


def test_a_shipped_profiles_name_is_no_path(here: Path) -> None:
    (here / "config.yaml").write_text("profile: cowin-vaccinator\n")
    assert load_settings(here / "config.yaml", {}).profile == "cowin-vaccinator"


def test_header_values_are_text_or_say_where_they_are(here: Path) -> None:
    (here / "config.yaml").write_text("upstream: {headers: {a: text, b: {file: /run/key}, c: {env: API_KEY}}}\n")
    headers = load_settings(Path("config.yaml"), {}).upstream.headers
    assert headers == {"a": FromText("text"), "b": FromFile(Path("/run/key")), "c": FromEnvironment("API_KEY")}
    assert "text" not in repr(headers["a"])


def test_variables_override_the_file(here: Path) -> None:
    (here / "config.yaml").write_text("listen: {port: 1000, host: 127.0.0.2}\n")
    environ = {
        "DOSEKEEPER_LISTEN__PORT": "9480",
        "DOSEKEEPER_LISTEN__CORS_ORIGINS": "[https://desk.example.in, 'http://localhost:3000', 'capacitor://localhost']",
        "DOSEKEEPER_CENTRE__ID": "0042",
        "DOSEKEEPER_CENTRE__NAME": "",
        "DOSEKEEPER_ADMIN__TOKEN_FILE": "null",
        "DOSEKEEPER_REPLAY__CALLS_PER_MINUTE": "",
        "DOSEKEEPER_RECORDING__LOOPBACK_TRUSTED": "false",
        "DOSEKEEPER_UPSTREAM__HEADERS": "{x-api-key: {env: API_KEY}}",
        "DOSEKEEPER_STORE__PATH": "C: #1/journal.db",
        "DOSEKEEPER_PROFILE": "own.yaml",
        "DOSEKEEPER_STORE_KEY": "not a setting",
        "OTHER": "not ours",
    }
    settings = load_settings(None, environ)
    assert (settings.listen.port, settings.listen.host) == (9480, "127.0.0.2")
    assert settings.listen.cors_origins == ("https://desk.example.in", "http://localhost:3000", "capacitor://localhost")
    assert (settings.centre.id, settings.centre.name) == ("0042", "")
    assert (settings.admin.token_file, settings.replay.calls_per_minute) == (None, None)
    assert settings.recording.loopback_trusted is False
    assert settings.upstream.headers == {"x-api-key": FromEnvironment("API_KEY")}
    assert settings.store.path == Path("C: #1/journal.db")
    assert settings.profile == "own.yaml"


@pytest.mark.parametrize(
    ("url", "centre", "refused"),
    [
        ("http://127.0.0.1:8490/api", "centre-1", False),
        ("http://127.0.0.99/api", "centre-1", False),
        ("http://[::1]:8490/api", "centre-1", False),
        ("http://localhost/api", "centre-1", False),
        ("https://server.example/api", "centre-1", True),
        ("https://localhost.example/api", "centre-1", True),
        ("http://192.0.2.7/api", "centre-1", True),
        ("https://server.example/api", "rudrapur-mc", False),
    ],
)
def test_the_default_centre_id_is_for_this_machine_only(url: str, centre: str, *, refused: bool) -> None:
    settings = Settings.model_validate({"upstream": {"url": url}, "centre": {"id": centre}})
    problems = settings.problems_off_loopback()
    assert bool(problems) is refused
    if refused:
        assert str(problems[0]).startswith('centre.id: is still the default "centre-1", and the upstream is not on this machine')


def test_the_path_of_the_url_is_kept_without_its_last_slash() -> None:
    assert Settings.model_validate({"upstream": {"url": "https://server.example/api/"}}).upstream.url == "https://server.example/api"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().listen.port = 1  # type: ignore[misc] # that is the point


def test_the_settings_are_read_without_the_http_library() -> None:
    code = "import sys, proxy.settings; sys.exit('aiohttp' in sys.modules or 'jmespath' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
