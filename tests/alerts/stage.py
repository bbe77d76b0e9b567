"""Real servers, and a real Prometheus that watches them, for the rehearsal of the alerts.

STEELYARD_BIN names the server's binary; prometheus and promtool are on the PATH.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

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
        self.process = None

    def begin(self, *more):
        """Starts it, without waiting."""
        listen = [part for door, address in self.ports.items() for part in (f"--{door}-listen", address)]
        memory = "--memory" in self.arguments
        where = [] if memory else ["--data-dir", self.store, *SMALL]
        command = [BINARY, "serve", *listen, "--http-listen", "off", *where, "--log-format", "json", *self.arguments, *more]
        self.ready = None
        self.process = subprocess.Popen(
            [str(part) for part in command], stderr=subprocess.PIPE, env=CLEAN, text=True,
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
