"""The alerts in earnest: faults made in real servers, each beside servers in good health, and a real Prometheus that must tell
of each and of nothing else, and say when it is over. What the runbook has its reader type is typed while the fault is there.

Everything begins at once, and then goes through five steps: all is well; the faults are made; each alert fires; what the
runbook says is done; the faults are mended and each alert ends. Lengths of time are shortened by `rules.shortened`, and
nothing else of the rules is changed.
"""

import base64
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import traceback
import urllib.parse
import uuid

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import rules
from stage import BINARY, CLEAN, Altered, Callers, Prometheus, Server, run, until

TODAY = datetime.date.today()
MISSING = [tool for tool in ("prometheus", "promtool") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}; on Debian: apt install prometheus")
# How long an alert may take to fire, or to end.
PATIENCE = 60


def days_ago(days: int) -> str:
    return (TODAY - datetime.timedelta(days=days)).isoformat()


class Authority:
    """Issues certificates for the machine itself."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Rehearsal")])
        self.certificate = self._made(name, name, self.key.public_key(), 400, True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _made(self, subject, issuer, key, days, authority):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if not authority:
            local = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            builder = builder.add_extension(local, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, to: pathlib.Path, days: int):
        """A certificate and its key, `to`.pem and `to`.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        made = self._made(subject, self.certificate.subject, key.public_key(), days, False)
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        for path, content in ((to.with_suffix(".key"), secret), (to.with_suffix(".pem"), made.public_bytes(pem))):
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(content)


class Scene:
    """A server, what is done to it, what must be told of it, and what mends it."""

    expects: set[str] = set()
    # What may be told as well, as it follows from the same fault.
    may: set[str] = set()
    # Which Prometheus watches: with windows shortened alone, or with ages too.
    ages = False
    arguments: list = []
    people = True

    def __init__(self, name: str, play):
        self.name, self.play = name, play
        self.folder = play.folder / name
        self.server = Server(self.folder, *self.arguments)

    def address(self) -> tuple:
        return (self.server.health,)

    def place(self) -> pathlib.Path:
        """Its data directory."""
        return self.server.store

    def prepare(self):
        self.server.start()
        if self.people:
            self.bring(self.play.force)
            self.server.ask("rescore")
        if "--memory" not in self.arguments:
            self.server.ask("backup", "--quiet")

    def bring(self, force: pathlib.Path):
        work = ["--rejects", self.folder / "rejects", "--checkpoint", self.folder / f"at-{uuid.uuid4()}"]
        self.server.ask("import", force, "--quiet", *work)

    def harm(self):
        """Makes the fault."""

    def mend(self):
        """Mends it."""

    def again(self):
        """Stops and starts the server."""
        self.server.stop()
        self.server.start()

    def close(self):
        self.server.kill()


class Healthy(Scene):
    def harm(self):
        self.callers = Callers(self.server)


class Down(Scene):
    expects = {"SteelyardDown"}

    def harm(self):
        self.server.kill()

    def mend(self):
        self.server.start()


class Restarts(Scene):
    expects = {"SteelyardRestarts"}
    may = {"SteelyardDown"}

    def harm(self):
        for _ in range(3):
            self.server.kill()
            self.server.start()
            time.sleep(2.5)


class Old(Scene):
    """Weighed as of a day some days ago, by whoever started it."""

    expects = {"SteelyardNoRun", "SteelyardListsStale"}
    arguments = ["--as-of", days_ago(3)]

    def prepare(self):
        self.server.start()
        self.server.ask("backup", "--quiet")

    def harm(self):
        pass

    def mend(self):
        self.server.ask("rescore")


class RunFails(Scene):
    """Where published generations go is no directory any more."""

    expects = {"SteelyardRunFailed"}

    def harm(self):
        place = self.server.store / "generations"
        place.rename(self.folder / "away")
        place.touch()
        said = self.server.ask("rescore", "--request-id", uuid.uuid4(), code=None)
        assert "failed run" in said, said

    def mend(self):
        place = self.server.store / "generations"
        place.unlink()
        (self.folder / "away").rename(place)
        assert "is published" in self.server.ask("rescore", "--request-id", uuid.uuid4())


class BackupMissing(Scene):
    expects = {"SteelyardBackupMissing"}
    arguments = ["--backup-every-minutes", "0"]

    def prepare(self):
        self.server.start()
        self.bring(self.play.force)

    def mend(self):
        self.server.ask("backup", "--quiet")


class BackupFails(Scene):
    """Where backups go is no directory any more."""

    expects = {"SteelyardBackupFailing"}

    def harm(self):
        place = self.server.store / "backups"
        place.rename(self.folder / "away")
        place.touch()
        assert "BACKUP_FAILED" in self.server.ask("backup", "--full", code=None)

    def mend(self):
        place = self.server.store / "backups"
        place.unlink()
        (self.folder / "away").rename(place)
        self.server.ask("backup", "--full", "--quiet")


class Suspect(Scene):
    """A bit is wrong in each sector of the engine's files, under a server that runs."""

    expects = {"SteelyardStoreSuspect"}

    def prepare(self):
        self.server.start()
        self.bring(self.play.large)
        self.server.ask("backup", "--quiet")
        # What was written is in the memory of this process, and not in that of the next.
        self.again()

    def harm(self):
        engine = self.server.store / "sled" / "db"
        held = engine.read_bytes()
        with open(engine, "r+b") as file:
            for at in range(100, len(held), 512):
                file.seek(at)
                file.write(bytes([held[at] ^ 0x10]))
        assert "DAMAGE" in self.server.ask("verify", "--full-speed", code=None)

    def mend(self):
        self.again()
        told = self.server.ask("health", "--detail")
        assert "repaired" in told, told
        self.again()


class Recovered(Scene):
    """The engine's files were cut off while the server was stopped."""

    expects = {"SteelyardStoreRecovered"}
    may = {"SteelyardDown"}

    def harm(self):
        self.server.stop()
        os.truncate(self.server.store / "sled" / "db", 100)
        self.server.start()

    def mend(self):
        self.server.ask("verify")
        self.again()


class DiskFull(Scene):
    """No file may grow any more: to the server that is a full disk. Who asks cannot be written down, and is refused."""

    expects = {"SteelyardAuditNotWritable", "SteelyardErrorBudgetBurnsFast", "SteelyardErrorBudgetBurnsSlowly"}
    may = {"SteelyardReadOnly"}

    def harm(self):
        self.callers = Callers(self.server)
        time.sleep(1)
        self.server.limit(1)

    def mend(self):
        self.server.limit()


class DiskSmall(Scene):
    """A disk of its own of 600 MiB, which something else fills. It is grown in the end."""

    expects = {"SteelyardDiskLow", "SteelyardDiskFillsUp", "SteelyardReadOnly"}

    def prepare(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        disk = self.folder / "disk"
        disk.mkdir()
        self.server.store = disk / "store"
        self.server.inside = ["unshare", *SPACES, "sh", "-c", f"mount -t tmpfs -o size=600m steelyard {disk} && exec \"$0\" \"$@\""]
        super().prepare()
        self.disk = pathlib.Path(f"/proc/{self.server.process.pid}/root{disk}")

    def place(self) -> pathlib.Path:
        return self.disk / "store"

    def harm(self):
        with open(self.disk / "filler", "wb") as filler:
            for _ in range(10):
                filler.write(bytes(40 << 20))
                filler.flush()
                time.sleep(0.5)

    def mend(self):
        disk = self.folder / "disk"
        enter = ["nsenter", "-t", str(self.server.process.pid), *(["-U", "--preserve-credentials"] if "r" in SPACES[0] else []), "-m"]
        run(*enter, "mount", "-o", "remount,size=4g", disk)


class AuditCut(Scene):
    """Somebody moves the audit away while the server is stopped."""

    expects = {"SteelyardAuditCut"}
    may = {"SteelyardDown"}

    def harm(self):
        self.server.ask("list", "all", "--limit", "1")
        time.sleep(1.5)
        self.server.stop()
        (self.server.store / "audit").rename(self.folder / "audit-kept")
        self.server.start()


class WatchLags(Scene):
    """Somebody follows a list and does not read on, while more than ten thousand events are written."""

    expects = {"SteelyardWatchLags"}
    people = False

    def harm(self):
        self.channel = grpc.insecure_channel(self.server.grpc, options=[("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024)])
        self.followed = self.channel.unary_stream("/steelyard.v1.RankingService/WatchStandings")(Callers.LIST_ALL)
        time.sleep(1)
        self.bring(self.play.large)

    def mend(self):
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(grpc.RpcError):
            for _ in self.followed:
                pass

    def close(self):
        super().close()
        self.channel.close()


class Certificates(Scene):
    """Over TLS, with a certificate that ends soon; and beside it a file that says whom certificates speak for."""

    days = 300
    people = False

    def __init__(self, name: str, play):
        self.arguments = self.settings(play.folder / name)
        super().__init__(name, play)
        self.authority = Authority(self.folder)
        self.authority.issue(self.folder / "server", self.days)
        (self.folder / "certificates.toml").write_text(self.entry("nightly-run"))

    @staticmethod
    def settings(folder: pathlib.Path) -> list:
        folder.mkdir(parents=True)
        return [
            "--memory", "--tls-certificate", folder / "server.pem", "--tls-key", folder / "server.key", "--tls-reload-seconds", "1",
            "--tls-client-ca", folder / "ca.pem", "--tls-client-certificates", "optional",
            "--access-certificates-file", folder / "certificates.toml",
        ]

    @staticmethod
    def entry(actor: str) -> str:
        return f'[[certificate]]\ncommon_name = "localhost"\nactor = "{actor}"\nroles = ["batch"]\nareas = ["*"]\n'


class CertificateExpires(Certificates):
    expects = {"SteelyardCertificateExpires", "SteelyardCertificateExpiresSoon"}
    days = 2

    def mend(self):
        self.authority.issue(self.folder / "server", 300)


class CertificateRefused(Certificates):
    expects = {"SteelyardCertificateRefused"}

    def harm(self):
        (self.folder / "server.pem").write_text("no certificate\n")

    def mend(self):
        self.authority.issue(self.folder / "server", 300)


class CertificatesFileRefused(Certificates):
    expects = {"SteelyardCertificatesFileRefused"}

    def harm(self):
        (self.folder / "certificates.toml").write_text("[[certificate]]\nrolls = 1\n")

    def mend(self):
        (self.folder / "certificates.toml").write_text(self.entry("morning-run"))


class Kept(Scene):
    """In good health where hours are seconds: a night and a backup every few, from the beginning."""

    ages = True

    def __init__(self, name: str, play):
        super().__init__(name, play)
        self.over = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    def prepare(self):
        super().prepare()
        self.keeper.start()

    def _keep(self):
        while not self.over.wait(2):
            self.server.ask("rescore", "--request-id", uuid.uuid4())
            self.server.ask("backup", "--quiet")

    def close(self):
        self.over.set()
        if self.keeper.ident:
            self.keeper.join()
        super().close()


class Left(Scene):
    """A run and a backup once, and then neither. Its audit is told of as well, as a minute is long where hours are seconds."""

    ages = True
    expects = {"SteelyardNoRun", "SteelyardBackupOld"}
    may = {"SteelyardAuditLag"}

    def harm(self):
        self.server.ask("rescore", "--request-id", uuid.uuid4())

    def mend(self):
        self.server.ask("rescore", "--request-id", uuid.uuid4())
        self.server.ask("backup", "--quiet")


class DiskReserved(Scene):
    """More is to be kept free than the disk has: nothing is written, and what is asked is ahead of what the ledger vouches for."""

    ages = True
    expects = {"SteelyardReadOnly", "SteelyardAuditLag"}
    may = {"SteelyardDown", "SteelyardBackupOld"}
    people = False

    def harm(self):
        self.server.stop()
        self.server.start("--store-min-free-mb", "1048576")
        self.callers = Callers(self.server)

    def mend(self):
        self.callers.stop()
        self.again()
        self.server.ask("backup", "--quiet")


class Keys(Scene):
    """The keys of tokens cannot be read any more."""

    ages = True
    expects = {"SteelyardTokenKeysOld"}
    people = False

    def __init__(self, name: str, play):
        self.keys = play.folder / f"{name}.jwks"
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        public = base64.urlsafe_b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*raw)).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "test", "use": "sig", "alg": "EdDSA", "x": public}
        self.keys.write_text(json.dumps({"keys": [key]}))
        believed = ["--access-jwks-file", self.keys, "--access-issuer", "https://issuer.test", "--access-audience", "steelyard"]
        self.arguments = ["--memory", *believed, "--access-refresh-seconds", "1"]
        super().__init__(name, play)

    def harm(self):
        self.keys.rename(self.keys.with_suffix(".away"))

    def mend(self):
        self.keys.with_suffix(".away").rename(self.keys)


class Lie(Scene):
    """The figures of the healthy server, altered on the way: no real server can be brought to this."""

    lie: dict = {}

    def __init__(self, name: str, play):
        self.name, self.play, self.server, self.folder = name, play, play.healthy.server, play.folder / name
        self.folder.mkdir()

    def address(self):
        return self.play.altered.address, f"/{self.name}"

    def prepare(self):
        pass

    def harm(self):
        self.play.altered.lies[self.name] = self.lie

    def mend(self):
        del self.play.altered.lies[self.name]

    def close(self):
        pass


class RunHadFailures(Lie):
    """Weighing is a pure function that fails by a fault of the program alone; a test in Rust makes one, and a server cannot."""

    expects = {"SteelyardRunHadFailures"}
    lie = {
        f'steelyard_rescore_last_people{{outcome="{outcome}"}}': people
        for outcome, people in {"universe": 60, "scored": 60, "changed": 1, "failed": 3, "resumed": 0, "skipped": 0}.items()
    }


class RunWeighedNobody(Lie):
    """A run that can weigh nobody fails: that one publishes all the same would be a fault of the program."""

    expects = {"SteelyardRunWeighedNobody"}
    lie = {
        f'steelyard_rescore_last_people{{outcome="{outcome}"}}': people
        for outcome, people in {"universe": 60, "scored": 0, "changed": 0, "failed": 0, "resumed": 0, "skipped": 0}.items()
    }


class ListsEmpty(Lie):
    """Everybody who is held stands on a list: another would be a fault of the program."""

    expects = {"SteelyardListsEmpty"}
    lie = {f'steelyard_list_people{{list="all",band="{band}"}}': 0 for band in ("LOW", "MEDIUM", "HIGH", "VERY_HIGH")}


class JournalLong(Lie):
    """It would take half a gigabyte of writes."""

    expects = {"SteelyardJournalLong"}
    lie = {"steelyard_store_journal_bytes": 1 << 30}


class QueueFills(Lie):
    """It would take hundreds of writers and a disk that is slow for long."""

    expects = {"SteelyardQueueFills"}
    lie = {"steelyard_writer_queue_requests": 250}


class ListsSlow(Lie):
    """It would take a machine that is slow for long."""

    expects = {"SteelyardListsSlow"}

    @staticmethod
    def lie():
        calls = int(time.monotonic() * 50)
        labels = 'method="RankingService/ListStandings",code="OK"'
        return {
            f"steelyard_rpc_duration_seconds_count{{{labels}}}": calls,
            f'steelyard_rpc_duration_seconds_bucket{{{labels},le="0.25"}}': calls // 2,
            f'steelyard_rpc_duration_seconds_bucket{{{labels},le="+Inf"}}': calls,
        }


def spaces() -> list[str]:
    """How a process gets a disk of its own here; nothing where it cannot."""
    with tempfile.TemporaryDirectory() as disk:
        for options in (["-m"], ["-Urm"]):
            mounted = ["unshare", *options, "mount", "-t", "tmpfs", "-o", "size=1m", "steelyard", disk]
            if shutil.which("unshare") and subprocess.run(mounted, capture_output=True).returncode == 0:
                return options
    return []


SPACES = spaces()
# What of the runbook is typed here.
TYPED = ("steelyard", "curl", "df", "du", "ls", "openssl")
SCENES = {
    "healthy": Healthy, "kept": Kept, "down": Down, "restarts": Restarts, "old": Old, "run-fails": RunFails,
    "backup-missing": BackupMissing, "backup-fails": BackupFails, "suspect": Suspect, "recovered": Recovered,
    "disk-full": DiskFull, "disk-small": DiskSmall, "audit-cut": AuditCut, "certificate-expires": CertificateExpires,
    "certificate-refused": CertificateRefused, "certificates-file-refused": CertificatesFileRefused, "left": Left,
    "disk-reserved": DiskReserved, "keys": Keys, "run-had-failures": RunHadFailures, "run-weighed-nobody": RunWeighedNobody,
    "lists-empty": ListsEmpty, "journal-long": JournalLong, "queue-fills": QueueFills, "watch-lags": WatchLags,
    "lists-slow": ListsSlow,
}
NO_DISK = "a small disk needs `unshare -m` or `unshare -Urm` and a tmpfs, which this system does not allow"
NAMES = [pytest.param(name, marks=[] if SPACES or name != "disk-small" else pytest.mark.skip(reason=NO_DISK)) for name in SCENES]
WELL = ("healthy", "kept")


class Play:
    """All scenes at once."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.problems, self.seconds, self.followed = folder, {}, {}, {}
        self.force, self.large = folder / "force.ndjson", folder / "large.ndjson"
        for file, people, seed in ((self.force, 60, 5), (self.large, 1_800, 6)):
            # Of yesterday: in the small hours much of what a force records today has not happened yet, and is refused.
            run(BINARY, "generate", "--subjects", people, "--seed", seed, "--as-of", days_ago(1), "--out", file)
        self.healthy = Healthy("healthy", self)
        self.altered = Altered(self.healthy.server)
        self.scenes = {name: self.healthy if name == "healthy" else of(name, self) for name, of in SCENES.items() if SPACES or of is not DiskSmall}
        self.watchers = {ages: Prometheus(folder / f"prometheus-{ages}", rules.shortened(ages)) for ages in (False, True)}
        # One more, which has nobody to watch.
        self.alone = Prometheus(folder / "prometheus-alone", rules.shortened(False))
        self.told: dict[str, dict] = {}
        self.absent_ended = False

    def each(self, act, scenes=None):
        """Does it to all scenes at once; a scene that fails is told of by its own test."""
        def one(scene):
            try:
                act(scene)
            except Exception:  # whatever it is, the other scenes go on
                self.problems.setdefault(scene.name, []).append(traceback.format_exc())

        threads = [threading.Thread(target=one, args=(scene,)) for scene in scenes or self.scenes.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def watch(self):
        """Sees that nothing is told of the healthy, until it is over."""
        while not self.over.wait(1):
            with contextlib.suppress(OSError):
                for watcher in self.watchers.values():
                    firing = watcher.firing()
                    for name in WELL:
                        if firing.get(name):
                            self.problems.setdefault(name, []).append(f"fires although all is well: {firing[name]}")

    def run(self):
        began = time.monotonic()

        def step(what: str):
            print(f"rehearsal: {time.monotonic() - began:5.1f} s  {what}", flush=True)

        self.each(lambda scene: scene.prepare())
        assert not self.problems, self.problems
        step("servers are ready")
        self.over = threading.Event()
        for scene in self.scenes.values():
            self.watchers[scene.ages].watch(scene.name, *scene.address())
        for watcher in [*self.watchers.values(), self.alone]:
            watcher.begin()
        for watcher in [*self.watchers.values(), self.alone]:
            watcher.wait()
        for name in WELL:
            self.scenes[name].harm()
        step("Prometheus watches")
        watching = threading.Thread(target=self.watch, daemon=True)
        watching.start()
        time.sleep(4)
        made = [scene for scene in self.scenes.values() if scene.expects]
        self.before = {ages: watcher.firing() for ages, watcher in self.watchers.items()}
        self.each(lambda scene: scene.harm(), made)
        step("faults are made")
        self.each(self.fires, made)
        step("alerts fire")
        self.absent = until("an alert of nobody", lambda: self.alone.firing().get(""))
        self.each(self.follow, made)
        self.follow(self.healthy, self.absent)
        step("the runbook was followed")
        self.alone.watch("healthy", self.healthy.server.health)
        self.alone.reload()
        self.each(lambda scene: scene.mend(), made)
        step("faults are mended")
        self.each(self.ends, made)
        with contextlib.suppress(AssertionError):
            self.absent_ended = until("nobody is absent any more", lambda: not self.alone.firing())
        step("alerts have ended")
        self.over.set()
        watching.join()
        # For whoever wants to read what the runbook's reader saw.
        typed = [f"# {alert}\n$ {command}\n{said}[{code}]\n" for alert, all in self.followed.items() for command, code, said in all]
        (rules.ROOT / "target").mkdir(exist_ok=True)
        (rules.ROOT / "target" / "test-alerts-runbook.log").write_text("\n".join(typed), encoding="utf-8")

    def fires(self, scene: Scene):
        begun, watcher = time.monotonic(), self.watchers[scene.ages]
        self.told[scene.name] = told = {}

        def all_of_them():
            for alert in watcher.alerts():
                if alert["labels"].get("instance") == scene.name and alert["state"] == "firing":
                    told[alert["labels"]["alertname"]] = alert
            return scene.expects <= set(told)

        try:
            until(f"{scene.expects} fire for {scene.name}", all_of_them, PATIENCE)
        except AssertionError:
            raise AssertionError(f"{scene.expects} must fire, and {set(told)} did:\n{scene.server.log()}") from None
        self.seconds[scene.name] = time.monotonic() - begun

    def ends(self, scene: Scene):
        watcher = self.watchers[scene.ages]
        until(f"nothing is told of {scene.name} any more", lambda: not watcher.firing().get(scene.name), PATIENCE)

    def follow(self, scene: Scene, alerts: set[str] = frozenset()):
        """Types what the runbook says, as its reader would, asked of this server. What looks at the machine's own journal, or
        changes anything, is left out."""
        sections = rules.runbook()
        settings = scene.folder / "steelyard.toml"
        settings.write_text(f'data_dir = "{scene.server.store}"\n')
        places = {
            "/var/lib/steelyard": str(scene.place()), "/etc/steelyard": str(scene.folder), "127.0.0.1:9090": scene.server.health,
        }
        here = dict(CLEAN, STEELYARD_SERVER=scene.server.url, PATH=f"{BINARY.parent}:{os.environ['PATH']}")
        for alert in sorted(alerts or scene.expects):
            for command in rules.commands(sections.get(alert, "")):
                if command.split()[0] not in TYPED:
                    continue
                typed = command
                for place, ours in places.items():
                    typed = typed.replace(place, ours)
                done = subprocess.run(["sh", "-c", typed], capture_output=True, text=True, env=here, timeout=60)
                self.followed.setdefault(alert, []).append((command, done.returncode, done.stdout + done.stderr))

    def close(self):
        for watcher in [*self.watchers.values(), self.alone]:
            watcher.kill()
        for scene in self.scenes.values():
            with contextlib.suppress(Exception):
                scene.close()


@pytest.fixture(scope="module")
def play():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-alerts-"))
    play = Play(folder)
    try:
        play.run()
        yield play
    finally:
        play.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_told_of_and_nothing_else_is(play, name):
    scene = play.scenes[name]
    assert not play.problems.get(name), "\n".join(play.problems[name])
    told = play.told.get(name, {})
    assert scene.expects <= set(told) <= scene.expects | scene.may
    for alert in told.values():
        for text in alert["annotations"].values():
            assert "<no value>" not in text and "<error" not in text, text


def test_that_nobody_is_watched_is_told_of(play):
    assert play.absent == {"SteelyardAbsent"} and play.absent_ended


def test_nothing_was_told_before_the_faults_but_what_was_there_from_the_start(play):
    from_the_start = {"old", "backup-missing", "certificate-expires", "disk-small", "left", "disk-reserved"}
    assert {name for firing in play.before.values() for name in firing} <= from_the_start


def test_every_alert_is_rehearsed_as_its_runbook_says(play):
    rehearsed = {alert for scene in play.scenes.values() for alert in scene.expects} | play.absent
    sections = rules.runbook()
    lies = {alert for scene in play.scenes.values() if isinstance(scene, Lie) for alert in scene.expects}
    if SPACES:
        assert rehearsed == set(rules.alerts())
    for alert in rehearsed:
        wanted = "Rehearsed: with figures altered" if alert in lies else "Rehearsed: yes, by `tests/alerts/test_rehearsal.py`"
        assert wanted in " ".join(sections[alert].split()), alert


def test_the_dashboard_shows_a_server_in_good_health(play):
    board = json.loads((rules.ROOT / "helm" / "steelyard" / "files" / "dashboard.json").read_text(encoding="utf-8"))
    # Nobody signed in, there is no TLS and no issuer, and no call went wrong.
    empty = {"Signed in", "Certificate and keys", "Calls that were not OK"}
    seen = 0
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            asked = target["expr"].replace("$__rate_interval", "30s").replace("$instance", "healthy")
            found = play.watchers[False].asked("/api/v1/query?query=" + urllib.parse.quote(asked))["result"]
            assert found or panel["title"] in empty, f"{panel['title']}: nothing is found by {asked}"
            seen += bool(found)
    assert seen > 40


def test_what_the_runbook_has_its_reader_type_works(play):
    assert play.followed
    for alert, typed in play.followed.items():
        for command, code, said in typed:
            # Wrong usage, no such file, no such program, or a fault of it. What the fault itself refuses is as it must be.
            wrong = code not in (0, 7) if command.startswith("curl") else code in (2, 64, 70, 126, 127)
            assert not wrong and "panicked" not in said, f"{alert}: {command} ended with {code}:\n{said}"
