"""What the OpenAPI document promises, held against a real server over a real socket.

openapi-spec-validator reads the document; schemathesis asks everything that it
says, rightly and wrongly, as somebody with a token, and judges each answer by it.
STEELYARD_FUZZ_CASES says how often, about; a few of each operation unless it is set.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from issuing import Issuer
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from served import AS_OF, BINARY, ROOT, Server

SUBJECTS = 60
ISSUER = "https://issuer.test"
AUDIENCE = "steelyard-test"
CASES = int(os.environ.get("STEELYARD_FUZZ_CASES", "0"))
SEED = os.environ.get("STEELYARD_FUZZ_SEED", "7")
FUZZ = ROOT / "tests" / "clients" / "schemathesis"


class Http(unittest.TestCase):
    """The document, and the server that it is about."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-http-"))
        issuer = Issuer(cls.folder, ISSUER, AUDIENCE)
        cls.token = issuer.token()
        believed = ["--access-jwks-file", issuer.keys, "--access-issuer", ISSUER, "--access-audience", AUDIENCE]
        cls.server = Server(cls.folder, "--memory", *believed)
        cls.url = f"http://{cls.server.http_address}"
        force = cls.folder / "force.ndjson"
        generate = [BINARY, "generate", "--subjects", str(SUBJECTS), "--seed", "11", "--as-of", AS_OF, "--out", force]
        subprocess.run(generate, check=True, capture_output=True)
        token = cls.folder / "token"
        token.write_text(cls.token, encoding="utf-8")
        command = [BINARY, "import", force, "--server", f"http://{cls.server.address}", "--token-file", token]
        imported = subprocess.run(command, capture_output=True, text=True)
        if imported.returncode != 0:
            raise RuntimeError(f"import ended with {imported.returncode}: {imported.stdout}{imported.stderr}")
        with urllib.request.urlopen(f"{cls.url}/openapi.json", timeout=30) as answer:
            cls.document = json.load(answer)

    @classmethod
    def tearDownClass(cls):
        cls.server.process.kill()
        cls.server.process.wait()

    def operations(self) -> int:
        return sum(method in path for path in self.document["paths"].values() for method in ("get", "post"))

    def test_the_document_is_what_openapi_says_a_document_is(self):
        self.assertEqual(self.document["openapi"], "3.1.0")
        validate(self.document, cls=OpenAPIV31SpecValidator)

    def test_no_answer_is_other_than_the_document_says(self):
        # So many that it is not left to chance whether most calls are reached.
        each = max(16, -(-CASES // self.operations()))
        report = self.folder / "report.json"
        command = [
            pathlib.Path(sys.executable).with_name("schemathesis"),
            "--no-color", "--config-file", FUZZ / "schemathesis.toml", "run", f"{self.url}/openapi.json",
            "--header", f"Authorization: Bearer {self.token}", "--seed", SEED, "--max-examples", str(each),
            "--phases", "coverage,fuzzing" if CASES else "fuzzing", "--continue-on-failure",
            "--report", "json", "--report-json-path", report, "--workers", "2",
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(FUZZ), "STEELYARD_FUZZ_PEOPLE": str(self.folder / "force.ndjson")}
        environment = {**os.environ, **hooks}
        ran = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        print(ran.stdout[-2_000:])
        self.assertEqual(ran.returncode, 0, ran.stdout[-40_000:] + ran.stderr[-4_000:])
        told = json.loads(report.read_text(encoding="utf-8"))
        self.assertEqual((told["complete"], told["operations"]["tested"]), (True, self.operations()))
        judged = told["test_cases"]["generated"] - told["test_cases"]["without_checks"]
        self.assertGreaterEqual(judged, max(CASES, 2 * self.operations()))
        # Most calls are reached, and not refused for want of anything to ask about.
        phases = [phase for call in told["valid_rates"].values() for phase in call.values()]
        answered = [call for call, phases in told["valid_rates"].items() if any(each["accepted"] for each in phases.values())]
        print(f"{len(answered)} of {self.operations()} calls answered")
        self.assertGreater(len(answered), self.operations() * 2 // 3, phases)
        self.assertIsNone(self.server.process.poll(), "the server must still be there")


if __name__ == "__main__":
    unittest.main()
