"""Keeps what the next releases must still be able to read: `just keep-release`.

It makes tests/fixtures/release-VERSION of the build at hand: a store with everything that a force has after some nights, the
settings and the policy that it ran by, the contract, and what its clients were answered. A release is kept once, when it
is made; what is kept is never made anew, as that would only show that a build can read itself.
"""

import datetime
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib

import grpc
from released import FIXTURES, Contract, lasting
from served import AS_OF, BINARY, ROOT, Server

LISTS = ("LIST_OUTSTANDING", "LIST_COHORT")
NEXT_DAY = "2026-04-01"
SETTINGS = """\
# Settings of a force that ran this release.
policy = "POLICY"

[store]
cache_mb = 16
segment_mb = 1
ballast_mb = 1
min_free_mb = 16

[backup]
every_minutes = 0
full_every_hours = 24
journal_mb = 64
keep_full = 2

[freshness]
stale_after_hours = 30

[rescore]
schedule = "off"
keep_days = 30
keep_months = 12

[retention]
group_3_review_years = 4

[limits]
page_pins = 8
calls_per_second = 0

[audit]
enabled = true

[shutdown]
grace_seconds = 15
"""


def run(*arguments) -> str:
    """What the binary prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    return subprocess.run([BINARY, *arguments], check=True, capture_output=True, text=True, env=environment).stdout


def policy() -> str:
    """The reference policy with one figure of the force's own."""
    text = (ROOT / "policies" / "thr-2026.1.toml").read_text(encoding="utf-8")
    version = tomllib.loads(text)["version"]
    return text.replace(f'version = "{version}"', 'version = "force-2026.1"', 1)


def asked(contract: Contract, channel: grpc.Channel) -> list:
    """What clients ask, with the answers."""
    questions = [("PolicyService/ListPolicies", {}), ("RescoreService/ListGenerations", {}), ("CohortService/GetAlignment", {})]
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    questions += [("CohortService/ListDecisions", {"pageSize": 50})]
    questions += [("OutstandingService/GetOutstandingReturn", {"asAt": AS_OF, "from": "2026-03-01", "knownAt": now})]
    people = []
    for name in LISTS:
        for generation in (0, 1):
            whole = {"list": name, "view": "VIEW_BASIC", "pageSize": 100, "generation": str(generation)}
            questions.append(("RankingService/ListStandings", whole))
        first = contract.call(channel, "RankingService/ListStandings", {"list": name, "pageSize": 100})["standings"]
        people += [standing["subjectRef"] for standing in first[:: max(1, len(first) // 4)]]
        questions.append(("RankingService/ListMovements", {"list": name, "fromGeneration": "1", "toGeneration": "2"}))
    for person in people:
        questions.append(("RankingService/GetStanding", {"subjectRef": person}))
        questions.append(("EvidenceService/ListEvidence", {"subjectRef": person, "includeHistory": True, "pageSize": 100}))
    return [{"rpc": rpc, "request": request, "answer": lasting(contract.call(channel, rpc, request))} for rpc, request in questions]


def main() -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]
    kept = FIXTURES / f"release-{version}"
    if kept.exists():
        sys.exit(f"{kept.relative_to(ROOT)} is there: a release is kept once")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-release-"))
    kept_now = folder / "kept"
    kept_now.mkdir()
    (kept_now / "policy.toml").write_text(policy(), encoding="utf-8")
    (kept_now / "steelyard.toml").write_text(SETTINGS, encoding="utf-8")
    subprocess.run(["buf", "build", "-o", kept_now / "descriptors.binpb"], check=True, cwd=ROOT)
    store = folder / "store"
    run("demo", "--subjects", "600", "--as-of", AS_OF, "--keep", str(store), "--once", "--port", "0", "--http-port", "0")
    settings = folder / "steelyard.toml"
    settings.write_text(SETTINGS.replace("POLICY", str(kept_now / "policy.toml")), encoding="utf-8")
    server = Server(folder, "--config", str(settings), "--data-dir", str(store))
    for day in (AS_OF, NEXT_DAY):
        run("rescore", "--server", f"http://{server.address}", "--as-of", day)
    with grpc.insecure_channel(server.address) as channel:
        answers = asked(Contract(kept_now / "descriptors.binpb"), channel)
    lines = ",\n".join(json.dumps(answer, sort_keys=True) for answer in answers)
    (kept_now / "answers.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    if server.stop() != 0:
        sys.exit("the server did not end well")
    with lzma.open(kept_now / "store.tar.xz", "wb") as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(store, arcname="store", filter=lambda entry: None if entry.name.endswith("/ballast") else entry)
    shutil.copytree(kept_now, kept)
    shutil.rmtree(folder)
    print(f"kept {kept.relative_to(ROOT)}: {len(answers)} answers")


if __name__ == "__main__":
    main()
