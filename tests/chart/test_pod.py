"""The chart's Pods, as nearly as they can be without a cluster: the image's own files, volumes and Secrets where and as they would
be mounted, exactly the rendered arguments and environment, uid and gid 65532. The server becomes ready, the jobs of the night
succeed against it over TLS with tokens of their own, and it stops within its grace.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import kubernetes_validate
import yaml
from box import USER, Box, Image, Neighbours, needed, until
from certificates import Authority
from charts import NAMESPACE, ROOT, VALUES, environment, manifests, one, pods, rendered
from issuing import Issuer
from restricted import broken
from served import AS_OF

SERVER = "StatefulSet/steelyard"
SERVICE = f"steelyard.{NAMESPACE}.svc"
READY = "http://127.0.0.1:9090/readyz"
SECRET, CONFIG = 0o440, 0o644
PEOPLE = 60
RESCORE, BACKUP = "nightly-run", "nightly-backup"
CERTIFICATE = '[[certificate]]\ndns = "{0}"\nactor = "{0}"\nroles = ["batch"]\nareas = ["*"]\n'


PAGE = ROOT / "docs" / "OPERATIONS.md"


def documented(name: str | None) -> dict:
    """A manifest of the page of operations by its name; without one, the values that it installs with."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found = [each for each in map(yaml.safe_load, blocks) if each.get("metadata", {}).get("name") == name]
    assert len(found) == 1, f"{len(found)} of {name}"
    return found[0]


class Release(unittest.TestCase):
    """A release by some values, whose Pods are started."""

    values: dict

    @classmethod
    def setUpClass(cls):
        if cls is Release:
            raise unittest.SkipTest("the tests are below")
        needed()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-pod-"))
        cls.authority = Authority()
        cls.made = manifests(cls.values)
        access = cls.values["access"]
        cls.issuer = Issuer(cls.folder, access["issuer"], environment(pods(cls.made)[SERVER]["containers"][0])["STEELYARD_ACCESS_AUDIENCE"])
        certificate, key = cls.authority.server("steelyard", SERVICE)
        # What an operator makes before the release, by docs/OPERATIONS.md.
        cls.secrets = {
            "steelyard-tls": {"tls.crt": certificate, "tls.key": key, "ca.crt": cls.authority.pem()},
            "steelyard-rescore-token": {"token": cls.issuer.token(RESCORE, ["batch"]).encode()},
            "steelyard-backup-token": {"token": cls.issuer.token(BACKUP, ["batch"]).encode() + b"\n"},
            "clients-ca": {"ca.crt": cls.authority.pem()},
        }
        for name in (RESCORE, BACKUP):
            certificate, key = cls.authority.client(name)
            cls.secrets[name] = {"tls.crt": certificate, "tls.key": key}
        cls.configs = {
            "issuer-keys": {"jwks.json": cls.issuer.keys.read_bytes()},
            "certificates": {"certificates.toml": "".join(map(CERTIFICATE.format, (RESCORE, BACKUP))).encode()},
            "steelyard": {name: text.encode() for name, text in one(cls.made, "ConfigMap", "steelyard")["data"].items()},
        }
        cls.neighbours = Neighbours(cls.folder, {SERVICE: "127.0.0.1"})
        (cls.folder / "oci").mkdir()
        cls.image = Image(cls.folder / "oci")

    @classmethod
    def tearDownClass(cls):
        cls.neighbours.leave()
        shutil.rmtree(cls.folder)

    def box(self, place: str) -> Box:
        """The root of a Pod, with everything mounted that its containers mount."""
        box = Box(self.image, self.neighbours, {})
        self.addCleanup(box.gone)
        pod = pods(self.made)[place]
        self.assertEqual((pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]), (USER, USER))
        volumes = {each["name"]: each for each in pod["volumes"]}
        mounted = set()
        for mount in [mount for each in pod.get("initContainers", []) + pod["containers"] for mount in each["volumeMounts"]]:
            path, volume = mount["mountPath"], volumes.get(mount["name"])
            if path in mounted or path == "/tmp":
                continue
            mounted.add(path)
            if volume is None:
                box.volume(path)
            elif "secret" in volume:
                source = volume["secret"]
                held = {each["path"]: self.secrets[source["secretName"]][each["key"]] for each in source["items"]}
                box.files(path, held, source.get("defaultMode", CONFIG))
            else:
                source = volume["configMap"]
                held = self.configs[source["name"]]
                if "items" in source:
                    held = {each["path"]: held[each["key"]] for each in source["items"]}
                box.files(path, held, CONFIG)
        return box

    def log(self, box: Box) -> pathlib.Path:
        return self.folder / f"{box.root.name}.log"

    def given(self) -> dict:
        """The environment of the server."""
        container = pods(self.made)[SERVER]["containers"][0]
        return dict(each.split("=", 1) for each in self.image.config["config"]["Env"]) | environment(container)

    def start(self, box: Box) -> subprocess.Popen:
        container = pods(self.made)[SERVER]["containers"][0]
        with open(self.log(box), "a", encoding="utf-8") as log:
            process = box.start(container["args"], self.given(), stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def ready(self, box: Box) -> subprocess.Popen:
        process = self.start(box)
        until(lambda: self.neighbours.get(READY) == 200, "ready", process, lambda: self.log(box).read_text(encoding="utf-8"))
        self.assertEqual(self.neighbours.get("http://127.0.0.1:9090/livez"), 200)
        return process

    def stop(self, process: subprocess.Popen):
        """As the kubelet does, and well before it would kill."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertLess(time.monotonic() - began, pods(self.made)[SERVER]["terminationGracePeriodSeconds"] / 2)

    def job(self, place: str):
        """Every container of a Pod that asks the server, one after the other, as Kubernetes runs them."""
        box, pod = self.box(place), pods(self.made)[place]
        for container in pod.get("initContainers", []) + pod["containers"]:
            ended = box.run(container["args"], environment(container))
            self.assertEqual(ended.returncode, 0, f"{place} {container['args']}: {ended.stdout}{ended.stderr}")
            yield ended.stdout

    def doctor(self, box: Box) -> list:
        """What `kubectl exec` of the doctor finds wrong. The disk below a box is whichever the tests run on."""
        told = box.run(["doctor", "--output", "json"], self.given()).stdout
        findings = json.loads(told)["findings"]
        self.assertIn("server", {each["area"] for each in findings}, told)
        return [each for each in findings if each["verdict"] == "wrong" and each["area"] != "disk"]

    def people(self, server: Box):
        """Somebody with the right brings a force's records in."""
        importer = self.box("CronJob/steelyard-rescore")
        token = importer.path("/tmp/token")
        token.write_text(self.issuer.token("importer", ["evidence_writer", "reader"]), encoding="utf-8")
        token.chmod(0o644)
        given = environment(pods(self.made)["CronJob/steelyard-rescore"]["containers"][0]) | {"STEELYARD_TOKEN_FILE": "/tmp/token"}
        for arguments in (
            ["generate", "--subjects", str(PEOPLE), "--seed", "11", "--as-of", AS_OF, "--out", "/tmp/force.ndjson"],
            ["import", "/tmp/force.ndjson", "--rejects", "/tmp/rejects.csv"],
        ):
            ended = importer.run(arguments, given)
            self.assertEqual(ended.returncode, 0, f"{arguments}: {ended.stdout}{ended.stderr}")


class Sealed(Release):
    """Everything that is stored is sealed; jobs have tokens."""

    values = VALUES["encrypted"]

    def test_a_night_of_a_release(self):
        box = self.box(SERVER)
        process = self.ready(box)
        self.assertEqual(list(self.job("Pod/steelyard-health")), ["SERVING\n"])
        self.people(box)
        first, = self.job("CronJob/steelyard-rescore")
        self.assertIn("is published", first)
        # A Pod that is begun again asks for the same run: its id follows from the day.
        again, = self.job("CronJob/steelyard-rescore")
        self.assertEqual(again, first)
        made, verified = self.job("CronJob/steelyard-backup")
        self.assertIn("full, revisions 1 to", made)
        self.assertIn("sound", verified.lower())
        self.assertEqual(self.doctor(box), [])
        self.stop(process)

        # Everything lies where its volume is, and keys are for their owner alone.
        for inside in ("store/data/journal", "ring/keys/ring", "kek/keys/kek", "ring-copies/keys", "backups/files"):
            self.assertTrue(box.path(f"/var/lib/steelyard/{inside}").exists(), inside)
        self.assertTrue(list(box.path("/var/lib/steelyard/backups/files").glob("*.full.steelyard")))
        self.assertFalse(box.path("/var/lib/steelyard/store/data/backups").exists())
        for inside in ("ring/keys/ring", "kek/keys/kek"):
            self.assertEqual(box.path(f"/var/lib/steelyard/{inside}").stat().st_mode & 0o777, 0o600)

        # Another Pod on the same volumes.
        process = self.ready(box)
        self.assertEqual(list(self.job("CronJob/steelyard-rescore")), [first])
        self.stop(process)

        # What the page says of a restore, to the letter.
        restore = documented("steelyard-restore")["spec"]["containers"][0]
        restored = box.run(restore["args"], environment(restore))
        self.assertEqual(restored.returncode, 0, restored.stderr)
        served, self.made = self.made, manifests(self.values | {"persistence": {"store": {"directory": "data-2"}}})
        self.addCleanup(setattr, self, "made", served)
        self.assertTrue(box.path(environment(pods(self.made)[SERVER]["containers"][0])["STEELYARD_DATA_DIR"]).is_dir())
        process = self.ready(box)
        self.assertEqual(list(self.job("CronJob/steelyard-rescore")), [first])
        made, verified = self.job("CronJob/steelyard-backup")
        self.assertIn("sound", verified.lower())
        self.stop(process)

    def test_the_pod_that_restores_keeps_the_rules_of_the_others(self):
        pod = documented("steelyard-restore")
        kubernetes_validate.validate(pod, "1.37", strict=True)
        self.assertEqual(broken(pod["spec"]), [])
        served = pods(self.made)[SERVER]
        self.assertEqual(pod["spec"]["securityContext"], served["securityContext"])
        self.assertEqual(pod["spec"]["containers"][0]["securityContext"], served["containers"][0]["securityContext"])
        claims = {each["name"]: each["persistentVolumeClaim"]["claimName"] for each in pod["spec"]["volumes"] if "persistentVolumeClaim" in each}
        self.assertEqual(claims, {name: f"{name}-steelyard-0" for name in ("store", "backups")})
        mounts = {each["name"]: each["mountPath"] for each in served["containers"][0]["volumeMounts"]}
        for mount in pod["spec"]["containers"][0]["volumeMounts"]:
            self.assertEqual(mount["mountPath"], mounts[mount["name"]])

    def test_a_key_that_the_world_may_read_starts_nothing(self):
        box = self.box(SERVER)
        key = box.path("/run/steelyard/tls/tls.key")
        key.chmod(0o444)
        process = self.start(box)
        self.assertEqual(process.wait(timeout=60), 64)
        told = self.log(box).read_text(encoding="utf-8")
        self.assertIn("tls.key: /run/steelyard/tls/tls.key may be read by others (mode 444)", told)
        # As it is mounted it is read: that alone was wrong.
        key.chmod(SECRET)
        self.stop(self.ready(box))

    def test_a_certificate_that_is_renewed_is_taken_without_a_restart(self):
        box = self.box(SERVER)
        process = self.ready(box)
        certificate, key = self.authority.server("steelyard", SERVICE)
        mount = box.path("/run/steelyard/tls")
        renewed = mount / "..2026_11_29"
        shutil.copytree(mount / "..2026_11_28", renewed)
        for name, content in (("tls.crt", certificate), ("tls.key", key)):
            (renewed / name).write_bytes(content)
            shutil.chown(renewed / name, 0, USER)
            (renewed / name).chmod(SECRET)
        (mount / "..new").symlink_to(renewed.name)
        (mount / "..new").rename(mount / "..data")
        until(lambda: "took a new certificate" in self.log(box).read_text(encoding="utf-8"), "renewed", process)
        self.assertEqual(list(self.job("Pod/steelyard-health")), ["SERVING\n"])
        self.stop(process)


class Certified(Release):
    """Jobs have certificates in place of tokens."""

    values = VALUES["minimal"] | {
        "tls": {"clientCaSecretName": "clients-ca"},
        "access": VALUES["minimal"]["access"] | {"certificatesConfigMap": "certificates"},
        "rescore": {"certificateSecretName": RESCORE},
        "backup": {"certificateSecretName": BACKUP},
    }

    def test_a_job_is_known_by_its_certificate(self):
        process = self.ready(self.box(SERVER))
        self.assertIn("is published", *self.job("CronJob/steelyard-rescore"))
        self.assertEqual(list(self.job("Pod/steelyard-health")), ["SERVING\n"])
        # Whoever shows none is nobody.
        given = environment(pods(self.made)["CronJob/steelyard-rescore"]["containers"][0])
        given = {name: value for name, value in given.items() if not name.startswith("STEELYARD_CLIENT")}
        refused = self.box("CronJob/steelyard-rescore").run(["rescore", "--quiet"], given)
        self.assertIn("UNAUTHENTICATED", refused.stderr)
        self.stop(process)


class Documented(unittest.TestCase):
    """The page of operations and the chart say the same."""

    def test_the_values_of_the_page_render_what_serves(self):
        values = documented(None)
        made = manifests(values)
        self.assertEqual(environment(pods(made)[SERVER]["containers"][0])["STEELYARD_ACCESS_JWKS_URL"], values["access"]["jwksUrl"])
        notes = rendered(values)["NOTES.txt"]
        self.assertNotIn("IT DOES NOT", notes)
        # Every Secret and ConfigMap that the notes name is made by a command of the page.
        for wanted in re.findall(r"^  (?:Secret|ConfigMap) (\S+?),? with", notes, re.MULTILINE):
            self.assertIn(f" {wanted} --from-file", PAGE.read_text(encoding="utf-8"), wanted)


if __name__ == "__main__":
    unittest.main()
