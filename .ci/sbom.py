"""Prints what the image holds as a CycloneDX document: every crate that is linked into the binary, with its licence and the
checksum of Cargo.lock, and what is linked in beside crates: Rust's standard library and the C library.

Nothing in it is random: the same Cargo.lock gives the same document. The time is SOURCE_DATE_EPOCH.
"""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import tomllib
import uuid

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = "x86_64-unknown-linux-gnu"


def metadata() -> dict:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def checksums() -> dict:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(each["name"], each["version"]): each.get("checksum") for each in lock["package"]}


def built() -> set[tuple[str, str]]:
    """Name and version of every crate of the binary: unlike the metadata, without what only tests switch on."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--target", TARGET, "--format", "{p}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line}


def linked(graph: dict) -> dict:
    """What is reached from the binary by dependencies of neither tests nor builds: package id to ids."""
    there = built()
    kept = {each["id"] for each in graph["packages"] if (each["name"], each["version"]) in there}
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    found, waiting = {}, [graph["resolve"]["root"]]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        needed = [
            each["pkg"]
            for each in nodes[package]["deps"]
            if each["pkg"] in kept and any(kind["kind"] is None for kind in each["dep_kinds"])
        ]
        found[package] = needed
        waiting.extend(needed)
    return found


def component(package: dict, checksum: str | None, kind=ComponentType.LIBRARY) -> Component:
    url = PackageURL("cargo", name=package["name"], version=package["version"])
    licence = (package["license"] or "NOASSERTION").replace("/", " OR ")
    references = []
    if package["repository"]:
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"])))
    return Component(
        name=package["name"], version=package["version"], type=kind, bom_ref=str(url), purl=url,
        description=package["description"], licenses=[LicenseExpression(licence)], external_references=references,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


def beside() -> list[Component]:
    """What is linked in that no Cargo.lock names."""
    rust = tomllib.loads((ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))["toolchain"]["channel"]
    library, version = platform.libc_ver()
    return [
        Component(name="rust-std", version=rust, type=ComponentType.LIBRARY, bom_ref=f"rust-std@{rust}",
                  licenses=[LicenseExpression("MIT OR Apache-2.0")]),
        Component(name=library or "glibc", version=version, type=ComponentType.LIBRARY, bom_ref=f"glibc@{version}",
                  licenses=[LicenseExpression("LGPL-2.1-or-later")],
                  properties=[Property(name="steelyard:linked", value="statically")]),
    ]


def document() -> str:
    graph, sums = metadata(), checksums()
    packages = {package["id"]: package for package in graph["packages"]}
    needed, root = linked(graph), graph["resolve"]["root"]
    parts = {
        package: component(
            packages[package], sums.get((packages[package]["name"], packages[package]["version"])),
            ComponentType.APPLICATION if package == root else ComponentType.LIBRARY,
        )
        for package in needed
    }
    bom = Bom()
    bom.metadata.component = parts[root]
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.UTC)
    others = beside()
    for package, part in parts.items():
        if package != root:
            bom.components.add(part)
    for part in others:
        bom.components.add(part)
    for package, part in parts.items():
        bom.register_dependency(part, [parts[each] for each in needed[package]] + (others if package == root else []))
    content = (ROOT / "Cargo.lock").read_bytes()
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, f"steelyard {content.decode()}")
    return JsonV1Dot6(bom).output_as_string(indent=2)


if __name__ == "__main__":
    print(document())
