"""A real server process for clients that Steelyard did not write. STEELYARD_BIN names its binary."""

import json
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("STEELYARD_BIN", ROOT / "target" / "debug" / "steelyard"))
AS_OF = "2026-03-31"
READY_SECONDS = 120


class Server:
    """A server process on free ports, which logs into a folder. `as_of` None: on the day that its ledger says."""

    def __init__(self, folder: pathlib.Path, *arguments, as_of: str | None = AS_OF):
        self.log = open(folder / "log.jsonl", "w+", encoding="utf-8")
        listen = [part for door in ("grpc", "http", "health") for part in (f"--{door}-listen", "127.0.0.1:0")]
        as_of = ["--as-of", as_of] if as_of else []
        self.process = subprocess.Popen(
            [BINARY, "serve", *listen, *as_of, "--log-format", "json", *arguments],
            stderr=self.log,
            env={name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")},
        )
        ready = self._ready()
        self.address = ready["grpc.address"]
        self.http_address = ready["http.address"]

    def _ready(self) -> dict:
        """The line that says that the server is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with open(self.log.name, encoding="utf-8") as log:
                for line in log:
                    fields = json.loads(line) if line.startswith("{") else {}
                    if fields.get("message") == "ready":
                        return fields
            time.sleep(0.05)
        with open(self.log.name, encoding="utf-8") as log:
            raise RuntimeError("the server did not become ready:\n" + log.read())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code
