"""What a server takes for so many people: memory, disk, processor and time. `just sizing 10000 100000 1000000`.

An invented force of each size is imported into a real server with its usual settings, weighed on the next day, backed up,
left alone, asked for pages, stopped and started again; what the system says of the process and of its files is noted.
Figures for ten million follow by the slope between the two largest sizes measured. STEELYARD_BIN names the binary, which
should be an optimised one. A backup rests as long as it works, so that of a large force takes long: --without-backup leaves it out.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "clients"))
from served import AS_OF, BINARY, Server  # noqa: E402

NEXT_DAY = "2026-04-01"
TEN_MILLION = 10_000_000
IDLE_SECONDS = 20
PAGES = 2_000
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


class Figures:
    """What the system says of a process."""

    def __init__(self, process: int):
        self.folder = pathlib.Path("/proc") / str(process)

    def memory(self) -> tuple:
        """MiB resident now, and at the most since `forget`."""
        lines = dict(line.split(":", 1) for line in (self.folder / "status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def forget(self) -> None:
        """What was resident at the most counts from now."""
        (self.folder / "clear_refs").write_text("5")

    def seconds(self) -> float:
        """Processor time so far."""
        fields = (self.folder / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def run(folder: pathlib.Path, *arguments) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    subprocess.run([BINARY, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=folder)


def size(folder: pathlib.Path) -> float:
    """MiB that the files below a folder take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / MIB


def measured(people: int, folder: pathlib.Path, backup: bool) -> dict:
    """The figures for so many people."""
    told = {}
    store, records = folder / "store", folder / "force.ndjson"
    run(folder, "generate", "--subjects", str(people), "--as-of", AS_OF, "--out", str(records))
    server = Server(folder, "--data-dir", str(store), "--backup-every-minutes", "0")
    figures, address = Figures(server.process.pid), f"http://{server.address}"

    def step(name: str, *arguments) -> None:
        figures.forget()
        begun, used = time.monotonic(), figures.seconds()
        run(folder, *arguments, "--server", address)
        told[f"{name}, seconds"] = time.monotonic() - begun
        told[f"{name}, processor seconds"] = figures.seconds() - used
        told[f"{name}, most MiB of memory"] = figures.memory()[1]

    step("import", "import", str(records))
    records.unlink()
    step("night's run", "rescore", "--as-of", NEXT_DAY)
    if backup:
        step("backup with its proof", "backup", "--full")
    told["served pages, processor ms each"] = pages(server.address, figures)
    told["idle, MiB of memory"] = figures.memory()[0]
    used = figures.seconds()
    time.sleep(IDLE_SECONDS)
    told["idle, % of a core"] = 100 * (figures.seconds() - used) / IDLE_SECONDS
    told["disk: engine, MiB"] = size(store / "sled")
    told["disk: journal, MiB"] = size(store / "journal")
    if backup:
        told["disk: a full backup, MiB"] = size(store / "backups")
    told["disk: a generation, MiB"] = size(store / "generations")
    server.stop()
    begun = time.monotonic()
    server = Server(folder, "--data-dir", str(store), "--backup-every-minutes", "0", as_of=None)
    told["start until ready, seconds"] = time.monotonic() - begun
    told["after a start, MiB of memory"] = Figures(server.process.pid).memory()[0]
    server.stop()
    return told


def pages(address: str, figures: Figures) -> float:
    """Processor time of one page of 50, in ms. The outstanding list, rows alone, 50 of them."""
    request = bytes([0x08, 0x04, 0x18, 0x01, 0x20, 0x32])
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/steelyard.v1.RankingService/ListStandings")
        call(request, timeout=60)
        used = figures.seconds()
        for _ in range(PAGES):
            call(request, timeout=60)
    return 1_000 * (figures.seconds() - used) / PAGES


def table(sizes: list, told: list) -> str:
    """A table in Markdown, with ten million by slope where two sizes were measured."""
    heads = [f"{people:,} people" for people in sizes]
    if len(sizes) > 1 and sizes[-1] < TEN_MILLION:
        heads.append(f"{TEN_MILLION:,} (by slope)")
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for name in told[0]:
        row = [figures[name] for figures in told]
        if len(heads) > len(sizes):
            slope = (row[-1] - row[-2]) / (sizes[-1] - sizes[-2])
            row.append(row[-1] + slope * (TEN_MILLION - sizes[-1]))
        # What falls from one size to the next was disturbed, and tells nothing of a third.
        lines.append(f"| {name} | " + " | ".join("" if value < 0 else f"{value:,.2f}" if value < 10 else f"{value:,.0f}" for value in row) + " |")
    return "\n".join(lines)


def main() -> None:
    given = sys.argv[1:]
    sizes = sorted(int(text) for text in given if text.isdigit()) or [10_000]
    told = []
    for people in sizes:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-sizing-", dir=ROOT / "target"))
        try:
            told.append(measured(people, folder, "--without-backup" not in given))
        finally:
            shutil.rmtree(folder)
        print(f"measured {people:,} people", file=sys.stderr, flush=True)
    print(table(sizes, told))


if __name__ == "__main__":
    main()
