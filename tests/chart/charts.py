"""The chart as Helm itself renders it."""

import pathlib

import yaml
from helm_python.chart import Chart

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "steelyard"
RELEASE, NAMESPACE = "steelyard", "iom"
# The defaults, and every file of values that the chart is tried with.
VALUES = {"default": {}} | {
    file.name.removesuffix("-values.yaml"): yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((CHART / "ci").glob("*-values.yaml"))
}


def rendered(values: dict, name: str = RELEASE, chart: pathlib.Path = CHART) -> dict[str, str]:
    """Every template, by its name: NOTES.txt among them."""
    with Chart.load(str(chart)) as loaded:
        made = loaded.render(values, name=name, namespace=NAMESPACE)
    return {path.removeprefix("steelyard/templates/"): text for path, text in made.items()}


def manifests(values: dict, name: str = RELEASE, chart: pathlib.Path = CHART) -> list[dict]:
    """Every object that would be made."""
    made = [text for path, text in sorted(rendered(values, name, chart).items()) if path.endswith(".yaml")]
    return [each for text in made for each in yaml.safe_load_all(text) if each]


def one(objects: list[dict], kind: str, name: str | None = None) -> dict:
    """The one object of a kind."""
    found = [each for each in objects if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def pods(objects: list[dict]) -> dict[str, dict]:
    """The specification of every Pod that would be made, by what makes it."""
    found = {}
    for each in objects:
        spec = {
            "Pod": lambda each: each["spec"],
            "StatefulSet": lambda each: each["spec"]["template"]["spec"],
            "CronJob": lambda each: each["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        }.get(each["kind"])
        if spec:
            found[f"{each['kind']}/{each['metadata']['name']}"] = spec(each)
    return found


def environment(container: dict) -> dict[str, str]:
    """What a container is given, each variable once."""
    names = [each["name"] for each in container.get("env", [])]
    assert len(names) == len(set(names)), names
    return {each["name"]: each["value"] for each in container.get("env", [])}
