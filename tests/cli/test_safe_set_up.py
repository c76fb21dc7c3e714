"""What `check` and `serve` say of certificates, keys and ports that others can reach."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path

import aiohttp
import pytest
from joserfc.jwk import OctKey, RSAKey

from simulator import Simulator
from tests.cli.centre import Centre
from tests.traffic.centre import VACCINATE, a_dose, doses_applied, people
from tests.traffic.certificates import Authority


def listen(centre: Centre, cert: Path, key: Path) -> None:
    centre.change(lambda text: text.replace("listen: {", f"listen: {{tls_cert: {cert}, tls_key: {key}, "))


async def test_desks_are_served_over_tls_and_an_old_version_is_not(centre: Centre, sim: Simulator) -> None:
    authority, person = Authority(centre.folder), people(sim)[0]
    listen(centre, *authority.pair("data-port"))
    trusting = ssl.create_default_context(cafile=str(authority.ca))
    url = f"https://127.0.0.1:{centre.data}/api{VACCINATE}"
    async with centre.serving():
        async with centre.desk.post(url, json=a_dose(person), ssl=trusting) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await centre.desk.post(url, json=a_dose(person))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await old_tls(centre.data)
    assert doses_applied(sim) == [(person, 1)]


async def old_tls(port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    await asyncio.open_connection("127.0.0.1", port, ssl=context)


@pytest.mark.parametrize("verb", ["check", "serve"])
async def test_a_pair_that_does_not_belong_together_is_said_so(centre: Centre, verb: str) -> None:
    authority = Authority(centre.folder)
    listen(centre, authority.pair("one")[0], authority.pair("two")[1])
    result = await centre.run(verb)
    assert result.code == 2
    assert "listen.tls_cert" in result.out + result.err
    assert "do not belong together" in result.out + result.err


async def test_a_certificate_that_is_over_is_told_and_stops_nothing(centre: Centre) -> None:
    authority = Authority(centre.folder)
    listen(centre, *authority.pair("old", days=-2))
    result = await centre.run("check")
    assert result.code == 1
    assert "listen.tls_cert" in result.out
    assert "is over since" in result.out
    async with centre.serving() as service:
        caution = await service.logged("caution")
    assert "is over since" in caution["problem"]


async def test_what_it_means_that_others_reach_the_data_port(centre: Centre) -> None:
    result = await centre.run("check", DOSEKEEPER_LISTEN__HOST="0.0.0.0")
    assert result.code == 1
    assert "what they send can be read in between" in result.out
    assert "dosekeeper clients add NAME" in result.out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_a_token_that_others_can_read_is_told_and_keys_that_others_can_write_are_refused(centre: Centre) -> None:
    for name, mode in (("token", 0o644), ("clients", 0o622)):
        (centre.folder / name).write_text("correct horse\n" if name == "token" else "")
        (centre.folder / name).chmod(mode)
    centre.change(lambda text: text.replace("admin: {", "admin: {token_file: token, ") + "recording: {client_keys_file: clients}\n")
    result = await centre.run("check")
    assert result.code == 2
    assert "admin.token_file" in result.out
    assert result.out.count("chmod 600") == 2
    refused = await centre.run("serve")
    assert refused.code == 2
    assert "recording.client_keys_file" in refused.err
    assert "admin.token_file" not in refused.err


async def test_a_log_in_that_cannot_work_is_told_before_the_start(centre: Centre) -> None:
    (centre.folder / "no.key").write_text("nothing")
    (centre.folder / "shared.key").write_bytes(str(OctKey.generate_key(256).as_dict()).encode())
    oauth2 = "{token_url: 'https://idp.invalid/token', client_id: a, private_key_file: FILE}"
    for file in ("no.key", "shared.key"):
        result = await centre.run("check", DOSEKEEPER_UPSTREAM__OAUTH2=oauth2.replace("FILE", str(centre.folder / file)))
        assert result.code == 2
        assert "no RSA or EC private key" in result.out
    (centre.folder / "good.key").write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    with_key = oauth2.replace("FILE", str(centre.folder / "good.key")).replace("https://idp.invalid", "http://127.0.0.1:1")
    result = await centre.run("check", DOSEKEEPER_UPSTREAM__OAUTH2=with_key)
    assert result.code == 1
    assert "the token endpoint gave no answer (refused)" in result.out
