"""Places through obstore: on this machine's disk, and a container of Azure at its makers' own emulator.

The emulator is used where it is installed (`npm install -g azurite`); it is no package of Debian's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from bonanca.actuators.postgres.ports import free_port
from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.places import Parcel, Place, ReplicaMissing, ReplicaProblem, SourceChanged, open_place
from bonanca.recovery.places.bucket import Bucket
from bonanca.recovery.places.uploads import Stopped
from tests.support.poll import eventually

AZURITE = shutil.which("azurite-blob")
needs_azurite = pytest.mark.skipif(AZURITE is None, reason="azurite-blob is not installed (npm install -g azurite)")

# The account that every emulator has; its key is printed in its manual.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTENT = os.urandom(1024 * 1024) * 18 + b"end"


def make_container(port: int, name: str) -> None:
    """As `az storage container create` does (Shared Key, as Azure's reference of its REST API describes it)."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    said = "".join(f"{header}:{value}\n" for header, value in sorted(headers.items()))
    text = "PUT" + "\n" * 12 + said + f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    signed = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{signed}"
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/{name}?restype=container"
    assert httpx.put(url, headers=headers).status_code == 201


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, folder = free_port(), tmp_path_factory.mktemp("azure")
    assert AZURITE is not None
    command = [AZURITE, "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", str(folder)]
    with subprocess.Popen([*command, "--blobPort", str(port)], stdout=subprocess.DEVNULL) as server:
        try:
            eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/"), 30, ignoring=httpx.TransportError)
            make_container(port, "copies")
            yield port
        finally:
            server.terminate()


@pytest.fixture
def azure(emulator: int, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", f"http://127.0.0.1:{emulator}")
    return open_place(PlaceSpec("az://copies/loja"))


@pytest.fixture
def disk(tmp_path: Path) -> Place:
    (tmp_path / "bucket").mkdir()
    return Bucket(f"file://{tmp_path}/bucket")


@pytest.fixture(params=["disk", pytest.param("azure", marks=needs_azurite)])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def parcel(tmp_path: Path, request: pytest.FixtureRequest) -> Parcel:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    return Parcel(source, f"{request.node.originalname}.bnc", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_what_was_stored_is_read_back_and_can_be_removed(place: Place, parcel: Parcel) -> None:
    told: list[int] = []
    assert place.store(parcel, told.append) == told[-1] == len(CONTENT)
    assert b"".join(place.read(parcel.name)) == CONTENT
    place.remove(parcel.name)
    place.remove(parcel.name)
    with pytest.raises(ReplicaMissing):
        b"".join(place.read(parcel.name))


def test_nobody_sees_half_of_an_interrupted_upload(place: Place, parcel: Parcel) -> None:
    def stop(done: int) -> None:
        if done > len(CONTENT) / 2:
            raise Stopped

    with pytest.raises(Stopped):
        place.store(parcel, stop)
    with pytest.raises(ReplicaMissing):
        b"".join(place.read(parcel.name))
    assert place.store(parcel) == len(CONTENT)


def test_a_source_that_is_not_what_was_sealed_is_not_stored(place: Place, parcel: Parcel) -> None:
    parcel.source.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(SourceChanged):
        place.store(parcel)
    with pytest.raises(ReplicaMissing):
        b"".join(place.read(parcel.name))


@needs_azurite
def test_a_container_that_is_not_there_is_named_in_one_line(azure: Place, parcel: Parcel) -> None:
    with pytest.raises(ReplicaProblem) as wrong:
        open_place(PlaceSpec("az://nowhere/loja")).store(parcel)
    assert wrong.value.message.startswith("az://nowhere/loja: ")
    assert "\n" not in wrong.value.message
