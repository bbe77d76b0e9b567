"""Real servers, and a real Prometheus that watches them, for the rehearsal of the alerts.

STEELYARD_BIN names the server's binary; prometheus and promtool are on the PATH.
"""

import http.server
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("STEELYARD_BIN", ROOT / "target" / "debug" / "steelyard"))
PATIENCE = 60
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
SMALL = ["--store-cache-mb", "16", "--store-segment-mb", "1", "--store-ballast-mb", "0"]


def run(*command, code: int | None = 0, timeout: float = PATIENCE) -> str:
    """A command of the operator: what it prints."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=CLEAN, timeout=timeout)
    if code is not None and done.returncode != code:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def until(what: str, ask, seconds: float = PATIENCE):
    """Asks until the answer is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def fetched(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.read().decode()


class Server:
    """A server process on a directory of its own. It keeps its ports when it is started again."""

    def __init__(self, folder: pathlib.Path, *arguments):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.store, self.arguments = folder, folder / "store", list(arguments)
        self.ports = {door: "127.0.0.1:0" for door in ("grpc", "health")}
        self.lines: list[str] = []
        # What it is started by, where it has a disk of its own.
        self.inside: list[str] = []
        self.process = None

    def begin(self, *more):
        """Starts it, without waiting."""
        listen = [part for door, address in self.ports.items() for part in (f"--{door}-listen", address)]
        memory = "--memory" in self.arguments
        where = [] if memory else ["--data-dir", self.store, *SMALL]
        command = [*self.inside, BINARY, "serve", *listen, "--http-listen", "off", *where, "--log-format", "json", *self.arguments, *more]
        self.ready = None
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=CLEAN, text=True,
            # As Python has it: a write beyond a limit is an error, as on a full disk, and no signal.
            restore_signals=False,
        )
        threading.Thread(target=self._follow, args=(self.process,), daemon=True).start()

    def _follow(self, process):
        for line in process.stderr:
            self.lines.append(line)
            fields = json.loads(line) if line.startswith("{") else {}
            if fields.get("message") == "starting":
                self.ports["health"] = fields["health.address"]
            if fields.get("message") == "ready":
                self.ports["grpc"] = fields["grpc.address"]
                self.ready = fields

    def wait(self):
        """Waits until it is ready."""
        def asked():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            return self.ready

        until(f"ready:\n{self.log()}", asked)
        return self

    def start(self, *more):
        self.begin(*more)
        return self.wait()

    def log(self) -> str:
        return "".join(self.lines[-40:])

    @property
    def health(self) -> str:
        return self.ports["health"]

    @property
    def grpc(self) -> str:
        return self.ports["grpc"]

    @property
    def url(self) -> str:
        return f"http://{self.grpc}"

    def ask(self, *command, code: int | None = 0) -> str:
        """A command of the command line, asked of this server."""
        return run(BINARY, *command, "--server", self.url, code=code)

    def figures(self) -> str:
        return fetched(self.health, "/metrics")

    def limit(self, size: int = resource.RLIM_INFINITY):
        """Lets no file grow past `size` bytes: the refusal of a full disk, without a file system of our own."""
        _, most = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, most))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Callers:
    """Somebody who asks a server for a list, ten times a second, and gets an answer or not."""

    LIST_ALL = b"\x08\x09"

    def __init__(self, server: Server):
        self.server, self.over = server, threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)
        self.thread.start()

    def _ask(self):
        with grpc.insecure_channel(self.server.grpc) as channel:
            ask = channel.unary_unary("/steelyard.v1.RankingService/ListStandings")
            while not self.over.wait(0.1):
                try:
                    ask(self.LIST_ALL, timeout=5)
                except grpc.RpcError:
                    pass

    def stop(self):
        self.over.set()
        self.thread.join()


class Altered:
    """The figures of a real server, some of them altered on the way to Prometheus: for what no real server can be brought
    to do. What is rehearsed by it is the rule, Prometheus and the runbook, and not the server's figure."""

    def __init__(self, server: Server):
        self.server, self.lies = server, {}
        altered = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                told = altered.told(self.path.strip("/")).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def told(self, scene: str) -> str:
        lie = self.lies.get(scene)
        if not lie:
            return self.server.figures()
        lies = lie() if callable(lie) else lie
        names = tuple(name.split("{")[0] for name in lies)
        kept = [line for line in self.server.figures().splitlines() if line.startswith("#") or not line.startswith(names)]
        return "\n".join(kept + [f"{name} {value}" for name, value in lies.items()]) + "\n"


class Prometheus:
    """A Prometheus that asks each target once a second, and judges once a second."""

    def __init__(self, folder: pathlib.Path, rules: str):
        folder.mkdir(parents=True)
        self.folder, self.targets, self.process = folder, {}, None
        (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.write()

    def write(self):
        """One job for each target, so that each may have a path of its own; `instance` is the scene's name."""
        jobs = [
            {
                "job_name": f"steelyard-{name}", "metrics_path": path,
                "static_configs": [{"targets": [address], "labels": {"instance": name}}],
            }
            for name, (address, path) in self.targets.items()
        ]
        itself = {"job_name": "prometheus", "static_configs": [{"targets": [self.address]}]}
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": [itself, *jobs]}
        (self.folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")

    def watch(self, name: str, address: str, path: str = "/metrics"):
        self.targets[name] = (address, path)

    def begin(self):
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.write()
        self.process = subprocess.Popen(
            [
                "prometheus", f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address={self.address}", "--log.level=warn",
            ],
            stdout=self.log, stderr=self.log,
        )

    def reload(self):
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def asked(self, path: str):
        return json.loads(fetched(self.address, path))["data"]

    def wait(self):
        missing = {"nobody"}

        def there():
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            try:
                targets = self.asked("/api/v1/targets?state=active")["activeTargets"]
            except OSError:
                return False
            missing.clear()
            missing.update(f"{of['labels']['instance']}: {of['lastError']}" for of in targets if of["health"] != "up")
            return not missing and len(targets) == len(self.targets) + 1

        try:
            until("every target is up", there)
        except AssertionError:
            raise AssertionError(f"not every target is up: {missing}") from None

    def alerts(self) -> list[dict]:
        return self.asked("/api/v1/alerts")["alerts"]

    def firing(self) -> dict[str, set[str]]:
        """The alerts that fire, by instance; "" is none in particular."""
        firing: dict[str, set[str]] = {}
        for alert in self.alerts():
            if alert["state"] == "firing":
                firing.setdefault(alert["labels"].get("instance", ""), set()).add(alert["labels"]["alertname"])
        return firing

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
