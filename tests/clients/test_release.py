"""What earlier releases left still works: their stores open and say what they said, their settings and policies are taken,
and clients made from their contract are answered as they were. What is kept of each is in tests/fixtures/release-VERSION.
"""

import json
import lzma
import os
import pathlib
import subprocess
import tarfile
import uuid

import grpc
import pytest
from released import FIXTURES, Contract, lasting
from served import BINARY, ROOT, Server

RELEASES = sorted(path.name for path in FIXTURES.glob("release-*"))


def without_settings() -> dict:
    return {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}


@pytest.fixture(scope="module", params=RELEASES)
def release(request, tmp_path_factory):
    """A release's store, opened by the build at hand under that release's settings and policy."""
    kept = FIXTURES / request.param
    folder = tmp_path_factory.mktemp(request.param)
    with lzma.open(kept / "store.tar.xz") as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    settings = folder / "steelyard.toml"
    text = (kept / "steelyard.toml").read_text(encoding="utf-8").replace("POLICY", str(kept / "policy.toml"))
    settings.write_text(text, encoding="utf-8")
    server = Server(folder, "--config", str(settings), "--data-dir", str(folder / "store"), as_of=None)
    yield Release(kept, folder, settings, server)
    assert server.stop() == 0


class Release:
    def __init__(self, kept: pathlib.Path, folder: pathlib.Path, settings: pathlib.Path, server: Server):
        self.kept, self.folder, self.settings, self.server = kept, folder, settings, server
        self.contract = Contract(kept / "descriptors.binpb")

    def call(self, rpc: str, request: dict) -> dict:
        with grpc.insecure_channel(self.server.address) as channel:
            return self.contract.call(channel, rpc, request)


def test_there_is_a_release_to_hold_to():
    assert RELEASES


def test_its_clients_are_answered_as_they_were(release):
    answers = json.loads((release.kept / "answers.json").read_text(encoding="utf-8"))
    assert len(answers) > 20
    for kept in answers:
        told = lasting(release.call(kept["rpc"], kept["request"]))
        assert told == kept["answer"], f"{kept['rpc']} {kept['request']}"


def test_its_clients_write_and_are_told_what_they_wrote(release):
    person, record = "S-RELEASE", str(uuid.uuid4())
    written = {"id": record, "subjectRef": person, "sourceSystem": "pnc", "basis": "BASIS_FACT",
               "category": "PERSON_CATEGORY_SUSPECT", "eventDate": "2026-03-01", "recordedTime": "2026-03-01T09:00:00Z",
               "marker": {"markerKind": "MARKER_KIND_WEAPONS"}}
    answer = release.call("EvidenceService/WriteEvidence", {"requestId": str(uuid.uuid4()), "records": [written]})
    assert answer["verdicts"][0]["verdict"] == "VERDICT_CREATED"
    held = release.call("EvidenceService/ListEvidence", {"subjectRef": person, "pageSize": 10})["records"]
    assert [row["record"]["id"] for row in held] == [record]


def test_its_settings_and_policy_are_taken(release):
    shown = subprocess.run([BINARY, "config", "show", "--config", release.settings, "--data-dir", release.folder / "store",
                            "--output", "json"], check=True, capture_output=True, text=True, env=without_settings()).stdout
    assert json.loads(shown)["freshness.stale_after_hours"]["value"] == "30"
    checked = subprocess.run([BINARY, "policy", "check", release.kept / "policy.toml"], capture_output=True, env=without_settings())
    assert checked.returncode == 0, checked.stderr


def test_its_store_is_what_its_ledger_says(release):
    verified = subprocess.run([BINARY, "verify", "--quiet", "--standings", "--server", f"http://{release.server.address}"],
                              capture_output=True, text=True, env=without_settings())
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("name", RELEASES)
def test_the_contract_breaks_none_of_its_clients(name):
    checked = subprocess.run(["buf", "breaking", "--against", FIXTURES / name / "descriptors.binpb"], capture_output=True,
                             text=True, cwd=ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
