"""The alerts as files: the rules, what the runbook has of each, and the rules with shorter times for the rehearsal."""

import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "helm" / "steelyard" / "files" / "alerts.yaml"
OPERATIONS = ROOT / "docs" / "OPERATIONS.md"


def read() -> dict:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def alerts(rules: dict | None = None) -> dict[str, dict]:
    """Every alert by its name."""
    groups = (rules or read())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def runbook() -> dict[str, str]:
    """The sections of the runbook by their titles."""
    text = OPERATIONS.read_text(encoding="utf-8")
    _, _, rest = text.partition("\n## Runbook\n")
    rest = re.split(r"\n## ", rest)[0]
    parts = re.split(r"\n### (\w+)\n", rest)
    return dict(zip(parts[1::2], parts[2::2]))


def commands(section: str) -> list[str]:
    """The commands of a section, without what is said of them."""
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [re.split(r"\s{2,}# ", line)[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


# The transformation of the rehearsal. Nothing but lengths of time is changed, and all of it is here.
#
# `for:` of any length becomes one second.
FOR = "1s"
# Windows: the long ones become 15 s, the short ones of the budgets 5 s, at a scrape each second.
WINDOWS = {window: "15s" for window in ("1h", "2h", "6h", "24h", "26h", "3d")} | {"5m": "5s", "30m": "5s"}
# How far the disk's filling up is looked ahead.
HORIZON = {"SteelyardDiskFillsUp": [("24 * 3600", "30")]}
# Ages, in a Prometheus of their own, since every server of the others would be told of.
AGES = {
    "SteelyardNoRun": [(" > 26 * 3600", " > 12")],
    "SteelyardBackupOld": [("3 * 3600", "8")],
    "SteelyardTokenKeysOld": [("1 * 3600", "6")],
    "SteelyardAuditLag": [("> 300", "> 5")],
}


def shortened(ages: bool) -> str:
    """The rules as they are rehearsed."""
    rules = read()
    for name, rule in alerts(rules).items():
        if "for" in rule:
            rule["for"] = FOR
        rule["expr"] = re.sub(r"\[(\w+)\]", lambda window: f"[{WINDOWS[window[1]]}]", rule["expr"])
        for old, new in HORIZON.get(name, []) + (AGES.get(name, []) if ages else []):
            assert rule["expr"].count(old) == 1, f"{name} has no {old}, or more than one"
            rule["expr"] = rule["expr"].replace(old, new)
    return yaml.safe_dump(rules, sort_keys=False, width=1000)
