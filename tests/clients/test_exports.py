"""Whole lists as tools of analysis read them: CSV by Python's own reader, Parquet by
Arrow, NDJSON as the contract writes it. All three say the same, row by row, and the
data dictionary says what they are. STEELYARD_BIN names the server's binary.
"""

import csv
import io
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import pyarrow
import pyarrow.parquet
from served import AS_OF, BINARY, Server

SUBJECTS = 400
EXPORT = "/v1/RankingService/ExportStandings"
PREFIXES = {
    "list": "LIST_",
    "effective_band": "BAND_",
    "computed_band": "BAND_",
    "cohort_status": "COHORT_STATUS_",
    "rag": "RAG_",
    "custody": "CUSTODY_STATE_",
    "circulation": "CIRCULATION_",
}
OF_THE_CONTEXT = {"as_of", "revision", "generation", "policy_version", "stale"}


def camel(name: str) -> str:
    """The name of a field in canonical JSON."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Exports(unittest.TestCase):
    """What an analyst would try first."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-exports-"))
        cls.server = Server(cls.folder, "--data-dir", cls.folder / "store")
        force = cls.folder / "force.ndjson"
        generate = [BINARY, "generate", "--subjects", str(SUBJECTS), "--seed", "11", "--as-of", AS_OF, "--out", force]
        subprocess.run(generate, check=True, capture_output=True)
        import_force = [BINARY, "import", force, "--server", f"http://{cls.server.address}"]
        subprocess.run(import_force, check=True, capture_output=True)
        cls.columns = json.loads(cls.get("/data-dictionary.json"))["columns"]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def get(cls, path: str, accept: str = "*/*") -> bytes:
        request = urllib.request.Request(f"http://{cls.server.http_address}{path}", headers={"accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def from_csv(self, name: str) -> list[dict]:
        text = self.get(f"{EXPORT}?list={name}", "text/csv").decode("utf-8")
        return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))

    def from_parquet(self, name: str) -> pyarrow.Table:
        return pyarrow.parquet.read_table(io.BytesIO(self.get(f"{EXPORT}?list={name}&format=parquet")))

    def from_json(self, name: str) -> list[dict]:
        """Rows in the words of the columns, from the canonical JSON of the same export."""
        rows = []
        for line in self.get(f"{EXPORT}?list={name}", "application/x-ndjson").splitlines():
            part = json.loads(line)
            for standing in part.get("standings", []):
                rows.append({column["name"]: self.told(column, part, standing) for column in self.columns})
        return rows

    @staticmethod
    def told(column: dict, part: dict, standing: dict) -> str:
        name = column["name"]
        of = part["context"] if name in OF_THE_CONTEXT else part if name == "list" else standing
        value = of.get(camel(name))
        if value is None:
            kind = column["datatype"] if isinstance(column["datatype"], str) else column["datatype"]["base"]
            return {"boolean": "false", "integer": "0"}.get(kind, "")
        if isinstance(value, bool):
            return str(value).lower()
        return str(value).removeprefix(PREFIXES.get(name, ""))

    def test_csv_parquet_and_json_say_the_same_row_by_row(self):
        for name in ["all", "wanted", "cohort", "recalls"]:
            rows = self.from_csv(name)
            self.assertEqual(rows, self.from_json(name), name)
            table = self.from_parquet(name)
            texts = [
                {column: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for column, value in row.items()}
                for row in table.to_pylist()
            ]
            self.assertEqual(rows, texts, name)
        self.assertEqual(len(self.from_csv("all")), SUBJECTS)
        self.assertGreater(len(self.from_csv("wanted")), 0)

    def test_parquet_has_the_types_that_the_dictionary_says(self):
        types = {
            "string": pyarrow.string(),
            "integer": pyarrow.int64(),
            "date": pyarrow.date32(),
            "boolean": pyarrow.bool_(),
        }
        schema = self.from_parquet("all").schema
        self.assertEqual(schema.names, [column["name"] for column in self.columns])
        for column in self.columns:
            kind = column["datatype"] if isinstance(column["datatype"], str) else column["datatype"]["base"]
            field = schema.field(column["name"])
            self.assertEqual((field.type, field.nullable), (types[kind], not column["required"]), column["name"])

    def test_words_are_those_of_the_dictionary(self):
        allowed = {
            column["name"]: set(column["datatype"]["format"].split("|"))
            for column in self.columns
            if isinstance(column["datatype"], dict) and column["datatype"]["base"] == "string"
        }
        self.assertIn("VERY_HIGH", allowed["effective_band"])
        for row in self.from_csv("all"):
            for name, words in allowed.items():
                self.assertIn(row[name], words | {""})


if __name__ == "__main__":
    unittest.main()
