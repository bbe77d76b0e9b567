"""The notebook of examples/dashboards, run against a real server that asks for a token."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from served import AS_OF, BINARY, ROOT, Server

SUBJECTS = 400


def printed(*command: str, **environment: str) -> str:
    """What a command prints."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, env=plain | environment)
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Notebook(unittest.TestCase):
    """What an analyst would do with pandas."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-dashboards-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        keys = cls.folder / "keys"
        printed(BINARY, "token", "keys", "--directory", keys)
        believed = ["--access-jwks-file", keys / "development-jwks.json", "--access-issuer", "steelyard-development", "--access-audience", "steelyard"]
        cls.server = Server(cls.folder, "--data-dir", cls.folder / "store", *believed)
        cls.addClassCleanup(cls.server.stop)

        def token(*roles: str) -> str:
            named = [part for role in roles for part in ("--role", role)]
            return printed(BINARY, "token", "--directory", keys, "--area", "*", *named).strip()

        cls.analyst, cls.reader = token("analyst"), token("reader")
        force = cls.folder / "force.ndjson"
        printed(BINARY, "generate", "--subjects", SUBJECTS, "--seed", "11", "--as-of", AS_OF, "--out", force)
        kept = ["--rejects", cls.folder / "rejects.csv", "--checkpoint", cls.folder / "checkpoint"]
        printed(BINARY, "import", force, "--server", f"http://{cls.server.address}", *kept, STEELYARD_TOKEN=token("evidence_writer", "reader"))

    def notebook(self, token: str) -> str:
        return printed(sys.executable, ROOT / "examples" / "dashboards" / "morning.py", STEELYARD_URL=f"http://{self.server.http_address}", STEELYARD_TOKEN=token)

    def asked(self, call: str) -> dict:
        request = urllib.request.Request(f"http://{self.server.http_address}/v1/{call}", headers={"Authorization": f"Bearer {self.analyst}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def test_the_notebook_shows_the_list_as_the_service_has_it(self):
        shown = self.notebook(self.analyst)
        listed = self.asked("RankingService/ListStandings?list=wanted&page_size=10")
        self.assertIn(f"{listed['listSize']} people are wanted.", shown)
        places = [shown.index(row["subjectRef"]) for row in listed["standings"]]
        self.assertEqual(places, sorted(places))
        self.assertIn(f"{listed['standings'][0]['composite'] / 1000}", shown)
        counts = {band["name"]: band.get("count", 0) for band in self.asked("RankingService/GetListSummary?list=wanted")["byBand"]}
        for band, count in counts.items():
            self.assertRegex(shown, rf"(?m)^{band} +{count} ")
        worst = self.asked("OutstandingService/ListSupervisionGaps?page_size=1")["gaps"][0]
        self.assertRegex(shown, rf"(?m)^ *1 +{worst['subjectRef']} ")

    def test_a_token_that_may_not_export_is_told_so(self):
        with self.assertRaisesRegex(RuntimeError, "403"):
            self.notebook(self.reader)


if __name__ == "__main__":
    unittest.main()
