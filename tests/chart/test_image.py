"""The image: what is in it, whom it runs as, and that it serves, finds names and believes an issuer with nothing but what is in it."""

import json
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

from box import USER, Box, Image, Neighbours, mounts, needed, until
from certificates import Authority
from charts import ROOT
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from issuing import Issuer
from neighbours import ISSUER

LISTEN = ["--grpc-listen", "127.0.0.1:50051", "--http-listen", "127.0.0.1:8443", "--health-listen", "127.0.0.1:9090"]
NAMED, IN_HOSTS = "by-name.force.example", "in-hosts.force.example"
ISSUER_NAME = "issuer.force.example"
NAMED_CRATE = re.compile(rb"index\.crates\.io-[0-9a-f]+/([a-zA-Z0-9_-]+)-(\d+\.\d+\.\d+[a-zA-Z0-9.+-]*)/")
# Kinds of program headers: how a binary says that it needs an interpreter, and where it says which libraries.
INTERPRETER, DYNAMIC, NEEDED = 3, 2, 1


def headers(binary: bytes) -> list[tuple[int, int, int]]:
    """Kind, place and size of each program header of a 64-bit ELF file."""
    start, (size, count) = struct.unpack_from("<Q", binary, 32)[0], struct.unpack_from("<HH", binary, 54)
    found = []
    for at in range(start, start + size * count, size):
        kind, place, length = struct.unpack_from("<I", binary, at)[0], *struct.unpack_from("<Q16xQ", binary, at + 8)
        found.append((kind, place, length))
    return found


class Made(unittest.TestCase):
    """What is in the image, and what is said of it."""

    @classmethod
    def setUpClass(cls):
        needed()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-image-"))
        cls.image = Image(cls.folder)
        cls.entries = {}
        for layer in cls.image.layers():
            with layer:
                cls.entries |= {each.name: each for each in layer}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_it_runs_the_server_as_nobody_in_particular(self):
        config = self.image.config["config"]
        self.assertEqual(config["User"], "65532:65532")
        self.assertEqual((config["Entrypoint"], config["Cmd"]), (["/steelyard"], ["serve"]))
        variables = [each for each in config["Env"] if not each.startswith("PATH=")]
        self.assertEqual(variables, ["STEELYARD_LOG_FORMAT=json"])
        self.assertEqual(set(config["ExposedPorts"]), {"50051/tcp", "8443/tcp", "9090/tcp"})
        self.assertEqual((self.image.config["os"], self.image.config["architecture"]), ("linux", "amd64"))

    def test_there_is_one_binary_in_it_and_where_names_are_looked_for(self):
        files = {name for name, entry in self.entries.items() if not entry.isdir()}
        self.assertEqual(files, {"steelyard", "etc/nsswitch.conf"})
        for name, entry in self.entries.items():
            self.assertEqual((entry.uid, entry.gid), (0, 0), name)
            self.assertEqual(entry.mode & 0o7022, 0, f"{name} may be written, or gives rights")

    def test_the_binary_needs_no_library_and_no_interpreter(self):
        binary = (ROOT / "target" / "image" / "steelyard").read_bytes()
        self.assertEqual(binary[:5], b"\x7fELF\x02")
        found = headers(binary)
        self.assertNotIn(INTERPRETER, [kind for kind, _, _ in found])
        for kind, place, length in found:
            if kind == DYNAMIC:
                tags = [struct.unpack_from("<Q", binary, at)[0] for at in range(place, place + length, 16)]
                self.assertNotIn(NEEDED, tags)
        # The same reading finds both in a binary of the system.
        usual = headers(pathlib.Path("/bin/sh").resolve().read_bytes())
        self.assertIn(INTERPRETER, [kind for kind, _, _ in usual])

    def test_what_is_in_the_binary_is_told_in_cyclonedx(self):
        text = (ROOT / "target" / "image" / "steelyard.cdx.json").read_text(encoding="utf-8")
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
        document = json.loads(text)
        self.assertEqual((document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.6"))
        self.assertEqual(document["metadata"]["component"]["name"], "steelyard")
        named = {(each["name"], each["version"]): each for each in document["components"]}
        # Every crate whose source the binary names, as it does wherever it could panic.
        binary = (ROOT / "target" / "image" / "steelyard").read_bytes()
        crates = {(name.decode(), version.decode()) for name, version in NAMED_CRATE.findall(binary)}
        self.assertGreater(len(crates), 60)
        self.assertEqual(crates - set(named), set())
        for each in named.values():
            self.assertTrue(each["licenses"], each["name"])
            self.assertTrue(each.get("hashes") or each["name"] in ("rust-std", "glibc"), each["name"])
        # What only tests are linked with is not in it.
        self.assertFalse({name for name, _ in named} & {"proptest", "rcgen", "hdrhistogram"})


class Started(unittest.TestCase):
    """It is started with nothing but its own files."""

    @classmethod
    def setUpClass(cls):
        needed()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-image-"))
        cls.authority = Authority()
        certificate, key = cls.authority.server(ISSUER_NAME)
        (cls.folder / "issuer.pem").write_bytes(certificate + key)
        cls.issuer = Issuer(cls.folder, f"https://{ISSUER_NAME}", "steelyard")
        cls.neighbours = Neighbours(cls.folder, {NAMED: "127.0.0.1", ISSUER_NAME: ISSUER[0]})
        (cls.folder / "oci").mkdir()
        cls.image = Image(cls.folder / "oci")

    @classmethod
    def tearDownClass(cls):
        cls.neighbours.leave()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.box = Box(self.image, self.neighbours, {IN_HOSTS: "127.0.0.1"})
        self.addCleanup(self.box.gone)
        self.box.volume("/data")

    def serve(self, *arguments: str) -> subprocess.Popen:
        environment = dict(each.split("=", 1) for each in self.image.config["config"]["Env"])
        log = open(self.folder / "log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        process = self.box.start(["serve", "--data-dir", "/data/store", *LISTEN, *arguments], environment, stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        until(lambda: self.neighbours.get("http://127.0.0.1:9090/readyz") == 200, "ready", process, self.told)
        return process

    def told(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def stopped(self, process: subprocess.Popen):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)

    def test_it_serves_from_a_root_that_nobody_may_write_and_finds_names(self):
        process = self.serve()
        # By its address, by the hosts file, and by asking a name server.
        for host in ("127.0.0.1", "localhost", IN_HOSTS, NAMED):
            health = self.box.run(["health", "--server", f"http://{host}:50051"], {})
            self.assertEqual((health.returncode, health.stdout), (0, "SERVING\n"), health.stderr)
        nobody = self.box.run(["health", "--server", "http://unknown.force.example:50051"], {})
        self.assertEqual(nobody.returncode, 69, nobody.stderr)
        self.assertNotIn("without trying it in a process of its own", self.told() if mounts() else "")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        held = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        self.assertEqual(set(held["Uid"].split() + held["Gid"].split()), {"65532"})
        self.assertEqual((held["CapEff"], held["NoNewPrivs"]), ("0" * 16, "1"))
        self.stopped(process)
        # What it wrote lies in its volume, and nowhere else.
        written = {path for path in self.box.root.rglob("*") if path.lstat().st_uid == USER}
        written = {path.relative_to(self.box.root).parts[0] for path in written}
        self.assertEqual(written, {"data"})

    def test_the_root_is_read_only_where_mounts_are_permitted(self):
        if not mounts():
            self.skipTest("mounts are not permitted here")
        refused = self.box.run(["serve", "--data-dir", "/store", *LISTEN], {})
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("Read-only file system", refused.stderr)

    def test_an_issuer_is_believed_by_the_authority_that_is_given_and_by_no_other(self):
        address = f"https://{ISSUER_NAME}:{ISSUER[1]}/keys"
        believed = ["--access-issuer", self.issuer.name, "--access-audience", "steelyard", "--access-jwks-url", address]
        without = self.box.run(["serve", "--data-dir", "/data/store", *LISTEN, *believed], {})
        self.assertNotEqual(without.returncode, 0, "the image trusts no authority")
        (self.box.root / "ca.crt").write_bytes(self.authority.pem())
        process = self.serve(*believed, "--access-jwks-ca", "/ca.crt")
        token = self.box.path("/tmp/token")
        token.write_text(self.issuer.token("night", ["batch"]), encoding="utf-8")
        token.chmod(0o644)
        asked = self.box.run(["backup", "--list", "--server", f"http://{IN_HOSTS}:50051"], {})
        self.assertNotIn(asked.returncode, (0, 1), "nobody is asked for a token")
        asked = self.box.run(["backup", "--list", "--server", "http://127.0.0.1:50051", "--token-file", "/tmp/token"], {})
        self.assertIn(asked.returncode, (0, 1), asked.stderr)
        self.stopped(process)


if __name__ == "__main__":
    unittest.main()
