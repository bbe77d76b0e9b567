"""Shapes of the objects whose kinds Kubernetes itself does not know, as far as the chart uses them. They are our own, closed and
narrower than the definitions that the Prometheus operator and cert-manager publish, of whose fields they name a part.
"""

import jsonschema

TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$", "minLength": 2}
GO_DURATION = {"type": "string", "pattern": "^([0-9]+h)$"}


def closed(needed: list[str], **fields) -> dict:
    return {"type": "object", "additionalProperties": False, "required": needed, "properties": fields}


RULE = {
    "oneOf": [
        closed(["alert", "expr"], alert={"type": "string", "minLength": 1}, expr={"type": ["string", "integer"]}, labels=TEXTS,
               annotations=TEXTS, keep_firing_for=DURATION, **{"for": DURATION}),
        closed(["record", "expr"], record={"type": "string", "minLength": 1}, expr={"type": ["string", "integer"]}, labels=TEXTS),
    ]
}
SPECS = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): closed(
        ["selector", "endpoints"],
        selector=closed(["matchLabels"], matchLabels=TEXTS),
        endpoints={"type": "array", "minItems": 1, "items": closed(
            ["port"], port={"type": "string"}, path={"type": "string", "pattern": "^/"}, interval=DURATION,
            relabelings={"type": "array", "items": closed(
                ["sourceLabels", "targetLabel"],
                sourceLabels={"type": "array", "items": {"type": "string"}}, targetLabel={"type": "string"})})},
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): closed(
        ["groups"],
        groups={"type": "array", "items": closed(
            ["name"], name={"type": "string", "minLength": 1}, interval=DURATION, rules={"type": "array", "items": RULE})},
    ),
    ("cert-manager.io/v1", "Certificate"): closed(
        ["secretName", "issuerRef"],
        secretName={"type": "string", "minLength": 1},
        dnsNames={"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        duration=GO_DURATION, renewBefore=GO_DURATION,
        usages={"type": "array", "items": {"enum": ["server auth", "digital signature", "key encipherment"]}},
        privateKey=closed(
            [], algorithm={"enum": ["RSA", "ECDSA", "Ed25519"]}, encoding={"enum": ["PKCS1", "PKCS8"]},
            rotationPolicy={"enum": ["Never", "Always"]}, size={"type": "integer"}),
        issuerRef=closed(
            ["name"], name={"type": "string", "minLength": 1}, kind={"enum": ["Issuer", "ClusterIssuer"]}, group={"const": "cert-manager.io"}),
    ),
}


def known(manifest: dict) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) in SPECS


def validate(manifest: dict):
    metadata = closed(["name", "labels"], name={"type": "string"}, labels=TEXTS)
    spec = SPECS[manifest["apiVersion"], manifest["kind"]]
    whole = closed(["apiVersion", "kind", "metadata", "spec"], apiVersion={}, kind={}, metadata=metadata, spec=spec)
    jsonschema.Draft202012Validator(whole).validate(manifest)
