"""A container, as nearly as the machine permits: the image's own files as the root, uid and gid 65532, no way to gain rights.

As root with mounts permitted the root is read-only, but for what is said, and there is a network of its own. Where mounts are not
permitted, as in a container without privileges, it is `chroot` alone, on the machine's network. Not as root there is nothing.
"""

import functools
import json
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).parent
IMAGE = HERE.parents[1] / "target" / "image" / "steelyard.tar"
USER = 65532
WAIT_SECONDS = 120


@functools.cache
def permitted(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def mounts() -> bool:
    return permitted("unshare", "--mount", "--fork", "mount", "--bind", "/tmp", "/tmp")


def network() -> bool:
    return permitted("unshare", "--net", "true") and permitted("nsenter", "--version")


def needed():
    """Skips where there is no image or nobody to start it; on a build server that is a failure."""
    problem = None
    if not IMAGE.exists():
        problem = "there is no image: `just image` makes it, with buildah"
    elif os.geteuid() != 0:
        problem = "only root may start a container"
    if problem and os.environ.get("CI"):
        raise RuntimeError(problem)
    if problem:
        raise unittest.SkipTest(problem)


class Image:
    """The OCI archive that was made."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        with tarfile.open(IMAGE) as archive:
            archive.extractall(folder, filter="data")
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.manifest = self.blob(index["manifests"][0]["digest"])
        self.config = self.blob(self.manifest["config"]["digest"])

    def path(self, digest: str) -> pathlib.Path:
        return self.folder / "blobs" / digest.replace(":", "/")

    def blob(self, digest: str) -> dict:
        return json.loads(self.path(digest).read_text(encoding="utf-8"))

    def layers(self) -> list[tarfile.TarFile]:
        return [tarfile.open(self.path(layer["digest"])) for layer in self.manifest["layers"]]


class Neighbours:
    """A network with a name server in it, and whoever else is given."""

    def __init__(self, folder: pathlib.Path, names: dict[str, str]):
        (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
        own = network()
        command = [sys.executable, str(HERE / "neighbours.py"), str(folder)]
        if own:
            command = ["unshare", "--net", *command, "--own-network"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the neighbours did not come up; is port 53 or 8444 taken?")
        self.enter = [shutil.which("nsenter"), f"--net=/proc/{self.process.pid}/ns/net", "--"] if own else []

    def get(self, address: str) -> int:
        """The status of an answer over plain HTTP; 0 for none."""
        program = (
            "import sys, urllib.request, urllib.error\n"
            "try: print(urllib.request.urlopen(sys.argv[1], timeout=5).status)\n"
            "except urllib.error.HTTPError as error: print(error.code)\n"
            "except OSError: print(0)"
        )
        return int(subprocess.run([*self.enter, sys.executable, "-c", program, address], capture_output=True, text=True, check=True).stdout)

    def leave(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class Box:
    """One container's root, and processes in it."""

    def __init__(self, image: Image, neighbours: Neighbours, hosts: dict[str, str]):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-box-"))
        self.root.chmod(0o755)
        self.neighbours = neighbours
        self.writable = ["/tmp"]
        for layer in image.layers():
            with layer:
                # As an image is unpacked: with owners and modes as they are.
                layer.extractall(self.root, filter="fully_trusted")
        for folder in ("proc", "tmp", "dev"):
            (self.root / folder).mkdir()
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            os.mknod(self.root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            (self.root / "dev" / name).chmod(0o666)
        (self.root / "tmp").chmod(0o1777)
        # What Kubernetes writes into every container.
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
        (self.root / "etc" / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.root / "etc" / "resolv.conf").write_text("nameserver 127.0.0.53\noptions ndots:1 timeout:2 attempts:1\n", encoding="utf-8")

    def path(self, inside: str) -> pathlib.Path:
        return self.root / inside.lstrip("/")

    def volume(self, inside: str):
        """An empty volume as fsGroup leaves it: root's, and the group's to write."""
        folder = self.path(inside)
        folder.mkdir(parents=True)
        os.chown(folder, 0, USER)
        folder.chmod(0o2775)
        self.writable.append(inside)

    def files(self, inside: str, files: dict[str, bytes], mode: int):
        """Files of a Secret or ConfigMap as they are mounted: behind two links, so that all of them change at once."""
        folder = self.path(inside)
        version = folder / "..2026_11_28"
        version.mkdir(parents=True)
        for name, content in files.items():
            file = version / name
            file.write_bytes(content)
            os.chown(file, 0, USER)
            file.chmod(mode)
            (folder / name).symlink_to(f"..data/{name}")
        (folder / "..data").symlink_to(version.name)

    def start(self, arguments: list[str], environment: dict[str, str], **how) -> subprocess.Popen:
        root = shlex.quote(str(self.root))
        enter = [shutil.which("setpriv"), "--no-new-privs", shutil.which("chroot"), f"--userspec={USER}:{USER}", f"--groups={USER}", str(self.root)]
        run = shlex.join([shutil.which("env"), "-i", *(f"{name}={value}" for name, value in environment.items()), *enter, "/steelyard", *arguments])
        if mounts():
            steps = [f"mount --bind {root} {root}"]
            steps += [f"mount --bind {root}{shlex.quote(each)} {root}{shlex.quote(each)}" for each in self.writable]
            steps += [f"mount -o remount,bind,ro {root}", f"mount -t proc proc {root}/proc", f"exec {run}"]
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join(steps)]
        else:
            command = ["sh", "-ec", f"exec {run}"]
        return subprocess.Popen([*self.neighbours.enter, *command], **how)

    def run(self, arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
        process = self.start(arguments, environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, told = process.communicate(timeout=WAIT_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, told)

    def gone(self):
        shutil.rmtree(self.root, ignore_errors=True)


def until(condition, what: str, process: subprocess.Popen | None = None, told=str):
    """Waits for a condition, for as long as a process lives; where it does not come about, with what was told."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: the process ended with {process.returncode}{told()}")
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {WAIT_SECONDS} s{told()}")
