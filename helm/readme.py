"""Prints the README of the chart: every value as its schema describes it, with the default of values.yaml.

`just keep` writes it to helm/steelyard/README.md; a test keeps it so.
"""

import json
import pathlib

import yaml

CHART = pathlib.Path(__file__).parent / "steelyard"
HEAD = """\
# The chart

This page is made by `helm/readme.py` from `values.schema.json` and `values.yaml`; a test keeps it so. How to install, upgrade and
restore is in [OPERATIONS](../../docs/OPERATIONS.md#in-a-cluster). Helm refuses a value that is not here.

The chart depends on no other. It makes no Secret: those that it names have to be there. `files/alerts.yaml` and
`files/dashboard.json` are what the PrometheusRule and the dashboard are made of.

| value | default | what it is for |
|---|---|---|
"""


def described(schema: dict, defaults, above: str = ""):
    """Every value below a schema, with its default and meaning."""
    for name, inner in schema["properties"].items():
        path = f"{above}{name}"
        default = defaults.get(name) if isinstance(defaults, dict) else None
        meaning = inner["description"]
        if "properties" in inner and isinstance(default, dict) and default:
            yield path, None, meaning
            yield from described(inner, default, f"{path}.")
        else:
            if "enum" in inner:
                meaning += " One of " + ", ".join(f"`{each}`" for each in inner["enum"]) + "."
            if "minimum" in inner:
                meaning += f" {inner['minimum']} to {inner['maximum']}."
            yield path, default, meaning


def page() -> str:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    rows = [
        f"| `{path}` | {'' if default is None else f'`{json.dumps(default)}`'} | {meaning} |"
        for path, default, meaning in described(schema, values)
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
