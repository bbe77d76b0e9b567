"""What schemathesis cannot know of Steelyard by itself.

How lines of a stream are written and judged, which refusals of sound data are
faults, who is known to the server, and how calls that wait or go on for ever are
bounded. STEELYARD_FUZZ_PEOPLE names the file of evidence that the server was given.
"""

import json
import os
import pathlib
import zlib

import jsonschema
import schemathesis
from hypothesis import strategies

# Of these reasons none may be told of a message that its schema allows.
OF_SHAPE = {"WRONG_TYPE", "UNKNOWN_FIELD", "INVALID_JSON"}
# Calls that go on for as long as their client likes, and the time that they are given.
ENDLESS = {"/v1/RankingService/WatchStandings", "/v1/RescoreService/WatchRescoreRun"}
# What would be waited for five seconds in vain becomes a revision that the server has.
PRESENT = 3
LINES = "application/x-ndjson"
# Fields that name somebody, one by one or in a list.
NAMING = {"subjectRef", "subjectRefs", "subjectRefA", "subjectRefB", "survivorRef", "mergedRef", "intoRef"}
# Fields of which nothing made up is right, and that may be left out: every other one is.
OPAQUE = {"store", "pageToken", "resumeToken"}

evidence = pathlib.Path(os.environ["STEELYARD_FUZZ_PEOPLE"]).read_text(encoding="utf-8").splitlines()
known = sorted({json.loads(line)["subjectRef"] for line in evidence})

components = {}

instants = strategies.datetimes().filter(lambda instant: instant.year > 1)
schemathesis.openapi.format("date-time", instants.map(lambda instant: instant.isoformat() + "Z"))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Answers may say nothing that is not told of, though a client has to bear more."""
    for schema in raw_schema["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    components.update(raw_schema["components"])
    # How long a call may take is said by `before_call`: any time is sound, and almost none is long enough.
    for path in raw_schema["paths"].values():
        parameters = path.get("parameters", [])
        path["parameters"] = [each for each in parameters if not each.get("$ref", "").endswith("/grpc-timeout")]


def number(value):
    """The number that a value is, however it is written; one below all others where it is none."""
    for read in (int, float):
        try:
            return read(value)
        except (TypeError, ValueError, OverflowError):
            continue
    return -1


def somebody(reference):
    """Every other reference that is made up becomes one of somebody known, and always the same one."""
    chosen = zlib.crc32(str(reference).encode())
    return known[chosen // 2 % len(known)] if reference and chosen % 2 else reference


def people(value):
    """A message in which half of those who are named are known, and half of what nobody could make up is left out."""
    if isinstance(value, list):
        return [people(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {}
    for name, each in value.items():
        if name in OPAQUE and isinstance(each, str) and zlib.crc32(each.encode()) % 2:
            continue
        if name not in NAMING:
            told[name] = people(each)
        elif isinstance(each, list):
            told[name] = list(dict.fromkeys(somebody(one) for one in each if isinstance(one, str))) or each
        else:
            told[name] = somebody(each)
    return told


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each call its time, and lets none wait for what nobody writes."""
    case.headers = case.headers if case.headers is not None else {}
    case.headers["grpc-timeout"] = "400m" if case.path in ENDLESS else "20S"
    for part in (case.query, case.body):
        for name in ("minRevision", "sinceRevision"):
            if isinstance(part, dict) and PRESENT < number(part.get(name)) < 2**64:
                part[name] = type(part[name])(PRESENT)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.query, case.body = people(case.query), people(case.body)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A stream that had begun says in a line that a record, or in its last that the request was wrong: refusals too."""
    begun = response.status_code == 200 and response.headers.get("content-type", [""])[0] == LINES
    lines = [json.loads(line) for line in response.content.splitlines()] if begun else []
    refused = any(line.get("refused") or line.get("problem", {}).get("status") == 400 for line in lines)
    return not (refused and type(failure).__name__ == "AcceptedNegativeData")


@schemathesis.serializer(LINES)
def lines(context, value):
    """One message in one line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.check
def sound_data_is_not_refused_for_its_shape(context, response, case):
    """What a schema allows may be refused for what it says, and never for how it is written."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    wrong = [each for each in response.json().get("violations", []) if each["reason"] in OF_SHAPE]
    if wrong:
        raise AssertionError(f"refused for its shape: {wrong}")


@schemathesis.check
def every_line_is_what_the_document_says(context, response, case):
    """A stream is as good as its lines."""
    media = response.headers.get("content-type", [""])[0]
    if response.status_code != 200 or media != LINES:
        return
    responses = case.operation.schema.raw_schema["paths"][case.path][case.method.lower()]["responses"]
    schema = {**responses["200"]["content"][LINES]["schema"], "components": components}
    judge = jsonschema.Draft202012Validator(schema)
    for line in response.content.splitlines():
        fault = jsonschema.exceptions.best_match(judge.iter_errors(json.loads(line)))
        if fault is not None:
            raise AssertionError(f"a line is not what is told of: {fault.message}")
