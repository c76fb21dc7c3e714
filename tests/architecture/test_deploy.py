"""What deploy/ holds starts the service as it is, with no right it does not need."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from proxy.cli import COMMANDS
from proxy.operations.preflight import problems
from proxy.settings import Settings, load_settings
from store.file.keyfile import KEY_VARIABLE
from tests.architecture.source import ROOT, text

UNITS: Final = sorted((ROOT / "deploy/systemd").iterdir())
INSTALL: Final = text("docs/install.md")
ANALYZE: Final = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(
    ANALYZE is None and "SYSTEMD_REQUIRED" not in os.environ, reason="no systemd here; next: apt install systemd"
)
KUBECTL: Final = shutil.which("kubectl")
EXPOSURE_MAX: Final = 1.5
"""Of 10; systemd calls up to 4 "OK"."""

READY: Final = [
    "python",
    "-c",
    "from urllib.request import ProxyHandler as P, build_opener; build_opener(P({})).open('http://127.0.0.1:8481/readyz', timeout=2)",
]


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def yaml(path: str) -> Any:
    return YAML(typ="safe", pure=True).load(text(path))


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The units with a program that is here."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        (folder / unit.name).write_text(re.sub(r"^(Exec\w+)=\S+", r"\1=/bin/true", unit.read_text(), flags=re.MULTILINE))
    return [folder / unit.name for unit in UNITS]


def analyze(*arguments: object) -> str:
    assert ANALYZE is not None, "SYSTEMD_REQUIRED is set"
    said = subprocess.run([ANALYZE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if "unrecognized option" in said.stdout and "SYSTEMD_REQUIRED" not in os.environ:
        pytest.skip("this systemd is older than 250")
    assert said.returncode == 0, said.stdout
    return said.stdout


@with_systemd
def test_systemd_finds_nothing_wrong_with_the_units(units: list[Path]) -> None:
    assert analyze("verify", "--man=no", *units) == ""


@with_systemd
def test_the_service_may_do_hardly_anything(units: list[Path]) -> None:
    (service,) = (unit for unit in units if unit.name == "dosekeeper.service")
    found = re.search(r"exposure level for dosekeeper.service: ([0-9.]+)", analyze("security", "--offline=true", service))
    assert found is not None
    assert float(found[1]) <= EXPOSURE_MAX


def test_a_folder_that_may_be_missing_keeps_no_unit_from_starting() -> None:
    given = re.findall(r"ReadWritePaths=(\S+)", "\n".join([INSTALL, *(unit.read_text() for unit in UNITS)]))
    assert given
    assert all(path.startswith(("-", "`-")) for path in given)


def test_systemd_starts_our_command_and_is_told_when_it_is_ready() -> None:
    service = text("deploy/systemd/dosekeeper.service")
    assert "\nType=notify\n" in service
    assert re.search(r"^ExecStart=\S+/dosekeeper --config \S+ serve$", service, re.MULTILINE)
    assert "ProcSubset=pid" not in re.sub(r"^#.*", "", service, flags=re.MULTILINE)  # it would hide the boot's name


def test_a_probe_asks_the_sidecar_itself_whatever_proxy_the_container_is_given() -> None:
    dockerfile = text("Dockerfile")
    assert json.loads(dockerfile[dockerfile.index('    CMD ["python"') + 8 :].splitlines()[0]) == READY
    with HTTPServer(("127.0.0.1", 0), Ready) as sidecar:
        Thread(target=sidecar.handle_request, daemon=True).start()
        asked = READY[2].replace("8481", str(sidecar.server_port))
        proxied = os.environ | {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
        subprocess.run([sys.executable, "-c", asked.replace("timeout=2", "timeout=20")], env=proxied, check=True)


@pytest.fixture
def in_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    given = {"CENTRE_ID": "rudrapur-1", "UPSTREAM_URL": "https://server.example/api"}

    def value(written: str) -> str:
        return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda match: given.get(match[1], match[2]), written)

    environ = yaml("deploy/compose/compose.yaml")["services"]["dosekeeper"]["environment"]
    return load_settings(None, {name: value(written) for name, written in environ.items()})


def test_compose_gives_the_container_its_volume_and_no_right(in_compose: Settings) -> None:
    compose = yaml("deploy/compose/compose.yaml")
    service = compose["services"]["dosekeeper"]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert [volume.partition(":")[2] for volume in service["volumes"]] == ["/data"]
    assert service["healthcheck"]["test"] == ["CMD", *READY]
    assert {int(port.rpartition(":")[2]) for port in service["ports"]} == {8480, in_compose.metrics.port}
    secrets = {f"/run/secrets/{name}" for name in compose["secrets"]}
    # Nothing is missing but the secrets, which are mounted.
    assert {found.message.partition(" ")[0] for found in problems(in_compose, {})} == secrets


def test_the_pod_has_its_settings_and_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sidecar, pod = the_sidecar(), yaml("deploy/kubernetes/centre.yaml")["spec"]["template"]["spec"]
    environ = {each["name"]: each["value"] for each in sidecar["env"] if "value" in each}
    from_secret = [each["name"] for each in sidecar["env"] if "valueFrom" in each]
    assert from_secret == [KEY_VARIABLE]
    assert environ.pop("DOSEKEEPER_CONFIG") == "/etc/dosekeeper/config.yaml"
    settings = load_settings(ROOT / "deploy/kubernetes/config.yaml", environ)
    mounts = {mount["name"]: mount["mountPath"] for mount in sidecar["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
    assert settings.store.path.parent == Path(mounts["journal"])
    (mounted,) = (volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume)
    secrets = {f"{mounts['secrets']}/{item['path']}" for item in mounted}
    assert {found.message.partition(" ")[0] for found in problems(settings, {})} == secrets
    assert [port["containerPort"] for port in sidecar["ports"]] == [settings.metrics.port]
    assert settings.listen.host == "127.0.0.1"  # else the desks' software would be a stranger in an outage


def test_the_sidecar_starts_before_the_desks_software_and_has_no_right() -> None:
    sidecar = the_sidecar()
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["startupProbe"]["exec"]["command"] == sidecar["readinessProbe"]["exec"]["command"] == READY
    assert sidecar["livenessProbe"]["exec"]["command"] == [*READY[:2], READY[2].replace("readyz", "healthz")]
    own = sidecar["securityContext"]
    assert (own["runAsNonRoot"], own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, True, False)
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert f"USER {own['runAsUser']}:{own['runAsGroup']}\n" in text("Dockerfile")


def the_sidecar() -> Any:
    (sidecar,) = yaml("deploy/kubernetes/centre.yaml")["spec"]["template"]["spec"]["initContainers"]
    return sidecar


def named() -> Iterator[str]:
    kustomization = yaml("deploy/kubernetes/kustomization.yaml")
    yield from kustomization["resources"]
    yield from (file for generated in kustomization["configMapGenerator"] for file in generated["files"])


def test_kustomize_takes_what_is_there() -> None:
    folder = ROOT / "deploy/kubernetes"
    assert sorted([*named(), "kustomization.yaml"]) == sorted(file.name for file in folder.iterdir())
    if KUBECTL is not None:
        made = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=True).stdout
        assert sorted(re.findall(r"^kind: (\w+)", made, re.MULTILINE)) == ["ConfigMap", "PersistentVolumeClaim", "Service", "StatefulSet"]
        assert "image: registry.example/dosekeeper:" in made


def test_what_the_page_names_is_there() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", INSTALL) if not link.startswith("http")}
    paths = {path.rstrip("*") for path in re.findall(r"deploy/[\w./*-]*\w", INSTALL)}
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert [path for path in paths if not list(ROOT.glob(f"{path}*"))] == []
    assert set(re.findall(r"^(?:sudo .*/)?dosekeeper (?:--config \S+ )?([a-z]+)", INSTALL, re.MULTILINE)) <= {*COMMANDS}


def test_the_page_and_the_unit_speak_of_the_same_places(tmp_path: Path) -> None:
    (written,) = re.findall(r"^store: \{.*\}$", INSTALL, re.MULTILINE)
    (tmp_path / "config.yaml").write_text(written)
    store, unit = load_settings(tmp_path / "config.yaml", {}).store, text("deploy/systemd/dosekeeper.service")
    assert {f"WorkingDirectory={place.parent}" for place in (store.path, store.key_file)} <= {*unit.splitlines()}
    program, config = re.findall(r"^ExecStart=(\S+) --config (\S+)", unit, re.MULTILINE)[0]
    assert f"{program} --config {config}" in INSTALL
    assert f"install -m 0640 -g dosekeeper config.yaml {config}" in INSTALL
