"""The alerts, their unit tests, their runbook and the dashboard, held against each other and against the code's own figures."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

import rules

ROOT = rules.ROOT
HERE = pathlib.Path(__file__).resolve().parent
TESTS = sorted(HERE.glob("*.test.yaml"))
TABLE = ROOT / "src" / "telemetry" / "metrics" / "table.rs"
DASHBOARD = ROOT / "helm" / "steelyard" / "files" / "dashboard.json"
MAKER = ROOT / "helm" / "dashboard.py"
ALERTS = rules.alerts()
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed; on Debian: apt install prometheus")


def judged(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)


def figures() -> dict[str, list[str]]:
    """Every figure of the code and its labels, histograms by the names that Prometheus has for them."""
    found = {}
    told = re.findall(r'^    \w+ "(\w+)" (Counter|Gauge|Histogram) "[^"]*" \[([^\]]*)\]', TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    for name, kind, labels in told:
        labels = re.findall(r'"(\w+)"', labels)
        if kind == "Histogram":
            found |= {f"{name}_count": labels, f"{name}_sum": labels, f"{name}_bucket": [*labels, "le"]}
        else:
            found[name] = labels
    return found


def unknown(expression: str) -> set[str]:
    """What an expression asks of that the server does not tell: figures, and labels."""
    told = figures()
    bare = re.sub(r'"[^"]*"', '""', expression)
    wrong = {name for name in re.findall(r"\b(?:steelyard|process)_\w+", bare) if name not in told}
    for name, inside in re.findall(r"\b((?:steelyard|process)_\w+)\{([^}]*)\}", bare):
        asked = set(re.findall(r"(\w+)\s*(?:=|!)", inside)) - {"job", "instance"}
        wrong |= {f"{name}{{{label}}}" for label in asked - set(told.get(name, []))}
    return wrong


def anchors(text: str) -> set[str]:
    """What headings are linked to by."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def told_of(name: str) -> dict[str, int]:
    """How often unit tests want it pending, firing, and something that is not it."""
    wanted = {"pending": 0, "firing": 0, "quiet": 0}
    for path in TESTS:
        text = path.read_text(encoding="utf-8")
        if f'"{name}"' not in text:
            continue
        for test in yaml.safe_load(text)["tests"]:
            samples = [sample["labels"] for case in test["promql_expr_test"] for sample in case["exp_samples"]]
            if not any(f'alertname="{name}"' in labels for labels in samples):
                continue
            for case in test["promql_expr_test"]:
                of = [sample["labels"] for sample in case["exp_samples"] if f'alertname="{name}"' in sample["labels"]]
                wanted["quiet"] += not of
                for state in ("pending", "firing"):
                    wanted[state] += any(f'alertstate="{state}"' in labels for labels in of)
    return wanted


@promtool
def test_promtool_takes_the_rules():
    checked = judged("check", "rules", rules.FILE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_each_alert_fires_when_it_must_and_is_quiet_otherwise(path):
    checked = judged("test", "rules", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_no_alert_is_without_a_test_a_runbook_and_plain_words(name):
    rule = ALERTS[name]
    assert name.startswith("Steelyard") and set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert set(rule["labels"]) == {"severity"} and rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/OPERATIONS.md#{name.lower()}"
    assert name.lower() in anchors(rules.OPERATIONS.read_text(encoding="utf-8"))
    assert rule["annotations"]["description"].endswith(".") and not rule["annotations"]["summary"].endswith(".")
    wanted = told_of(name)
    assert wanted["firing"] and wanted["quiet"], wanted
    # Whether its time passes is seen where it waits.
    assert wanted["pending"] or "for" not in rule or name == "SteelyardErrorBudgetBurnsFast" or name == "SteelyardListsSlow", wanted


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_has_what_its_reader_needs(name):
    section = rules.runbook()[name]
    assert section.strip().startswith(ALERTS[name]["labels"]["severity"].capitalize() + ".")
    assert rules.commands(section)
    for part in ("\n- Do: ", "\n- Call: ", "\n- Rehearsed: "):
        assert part in section, part


def test_a_server_in_good_health_has_every_figure_that_an_alert_looks_at():
    asked = {name for rule in ALERTS.values() for name in re.findall(r"\b(?:steelyard|process)_\w+", rule["expr"])}
    healthy = yaml.safe_load((HERE / "healthy.test.yaml").read_text(encoding="utf-8"))["tests"][0]
    assert asked == {series["series"].split("{")[0] for series in healthy["input_series"]} - {"up"}


def test_the_runbook_has_no_alert_that_there_is_not():
    assert list(rules.runbook()) == list(ALERTS)


def test_the_rules_hold_no_template_of_helm_and_nothing_of_a_person():
    text = rules.FILE.read_text(encoding="utf-8")
    for inside in re.findall(r"\{\{(.*?)\}\}", text):
        assert inside.strip().split(" ")[0] in ("$labels.instance", "$value"), inside
    assert not any(unknown(rule["expr"]) for rule in ALERTS.values()), [unknown(rule["expr"]) for rule in ALERTS.values()]


def test_the_rehearsal_changes_lengths_of_time_and_nothing_else():
    def bare(expression: str) -> str:
        return re.sub(r"\d+", "N", re.sub(r"\[\w+\]|(\d+ \* )*\d+ \* 3600\b", "T", re.sub(r"\s+", " ", expression)))

    for ages in (False, True):
        changed = rules.alerts(yaml.safe_load(rules.shortened(ages)))
        assert list(changed) == list(ALERTS)
        for name, rule in ALERTS.items():
            short = bare(changed[name]["expr"]).replace("> N", "> T").replace(", N)", ", T)")
            assert short == bare(rule["expr"]).replace("> N", "> T").replace(", N)", ", T)"), name


def panels() -> list[dict]:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]


def asked() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def test_the_dashboard_is_what_its_maker_makes():
    made = subprocess.run([sys.executable, MAKER], capture_output=True, text=True, check=True).stdout
    assert DASHBOARD.read_text(encoding="utf-8") == made, "run `just keep`"


def test_the_dashboard_is_whole():
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance"]
    numbers = [panel["id"] for panel in panels()]
    assert len(numbers) == len(set(numbers)) and len(numbers) > 20
    for panel in panels():
        if panel["type"] != "row":
            assert panel["title"] and panel["description"].endswith("."), panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"], panel["title"]
            assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"]), panel["title"]
    # No two lie over one another.
    places = [panel["gridPos"] for panel in board["panels"]]
    covered = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(covered) == len(set(covered)) and max(x for x, _ in covered) < 24


def test_the_dashboard_asks_for_figures_that_there_are():
    assert {expression: wrong for expression in asked() if (wrong := unknown(expression))} == {}


@promtool
def test_every_expression_of_the_dashboard_can_be_read(tmp_path):
    def plain(expression: str) -> str:
        return expression.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$instance", ".*")

    recorded = [{"record": f"panel:{number}", "expr": plain(expression)} for number, expression in enumerate(asked())]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}), encoding="utf-8")
    checked = judged("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
