"""The chart as Helm itself renders and lints it: every manifest is one that Kubernetes takes, every Pod keeps the restricted
standard, every setting is one that the server knows, and nothing changes unseen.

STEELYARD_KEEP_GOLDEN=1 writes tests/chart/golden anew.
"""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import kubernetes_validate
import yaml
from charts import CHART, NAMESPACE, ROOT, VALUES, environment, manifests, one, pods, rendered
from extensions import known, validate
from helm_python.chart import Chart, lint
from helm_python.errors import HelmError
from restricted import broken
from served import BINARY

GOLDEN = pathlib.Path(__file__).parent / "golden"
KEEP_GOLDEN = os.environ.get("STEELYARD_KEEP_GOLDEN") == "1"
# The oldest that the chart is for, and the three newest that kubernetes-validate knows.
KUBERNETES = ["1.29", "1.35", "1.36", "1.37"]
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
LINTED_ERROR, LINTED_WARNING = 3, 2


ALERTS = """
groups:
  - name: some
    rules:
      - alert: First
        expr: up < 1
        for: 5m
        labels: { severity: warn }
        annotations:
          summary: "{{ $labels.instance }} is away, {{ $value | humanize }}"
          description: |
            Two lines:
            "quoted".
      - { alert: Second, expr: "vector(1) > bool 0" }
  - name: recorded
    interval: 1m
    rules:
      - { record: "a:b", expr: "sum(up)" }
"""


def changed(values: dict, path: str, value) -> dict:
    """The values with one more, such as `service.ports.grpc`."""
    whole = copy.deepcopy(values)
    *above, last = path.split(".")
    inner = whole
    for name in above:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return whole


def objects(schema: dict, above: str = ""):
    """Every object of the schema that names its members, by its path."""
    for name, inner in schema.get("properties", {}).items():
        path = f"{above}{name}"
        if inner.get("type") == "object" and "properties" in inner:
            yield path, inner
            yield from objects(inner, f"{path}.")


class Whole(unittest.TestCase):
    """What holds of the chart with the defaults and with every file of values."""

    def test_helm_lints_it_without_a_warning(self):
        for name, values in VALUES.items():
            with self.subTest(values=name):
                report = lint(str(CHART), values, strict=True, namespace=NAMESPACE)
                self.assertEqual(report["errors"], [])
                self.assertEqual([each for each in report["messages"] if each["severity"] >= LINTED_WARNING], [])

    def test_the_linter_would_find_what_is_wrong(self):
        report = lint(str(CHART), {"replicas": 2}, strict=True, namespace=NAMESPACE)
        self.assertTrue(report["errors"] or [each for each in report["messages"] if each["severity"] == LINTED_ERROR])

    def test_every_manifest_is_one_that_kubernetes_takes(self):
        self.assertLessEqual(set(KUBERNETES), {kubernetes_validate.utils.major_minor(each) for each in kubernetes_validate.utils.all_versions()})
        for name, values in VALUES.items():
            for manifest in manifests(values):
                with self.subTest(values=name, kind=manifest["kind"], name=manifest["metadata"]["name"]):
                    if known(manifest):
                        validate(manifest)
                        continue
                    for version in KUBERNETES:
                        kubernetes_validate.validate(manifest, version, strict=True)

    def test_a_manifest_with_an_unknown_field_would_be_found(self):
        service = one(manifests({}), "StatefulSet")
        service["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Never"
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(service, KUBERNETES[-1], strict=True)

    def test_every_pod_keeps_the_restricted_standard(self):
        for name, values in VALUES.items():
            found = pods(manifests(values))
            self.assertIn("StatefulSet/steelyard", found)
            for place, pod in found.items():
                with self.subTest(values=name, pod=place):
                    self.assertEqual(broken(pod), [])

    def test_no_pod_writes_outside_its_volumes_or_holds_a_token_of_kubernetes(self):
        for name, values in VALUES.items():
            made = manifests(values)
            accounts = {each["metadata"]["name"]: each for each in made if each["kind"] == "ServiceAccount"}
            self.assertTrue(all(each["automountServiceAccountToken"] is False for each in accounts.values()))
            for place, pod in pods(made).items():
                with self.subTest(values=name, pod=place):
                    self.assertIs(pod["automountServiceAccountToken"], False)
                    self.assertIs(pod["enableServiceLinks"], False)
                    self.assertIn(pod["serviceAccountName"], accounts)
                    self.assertEqual(pod["securityContext"]["fsGroupChangePolicy"], "OnRootMismatch")
                    volumes = {each["name"]: each for each in pod["volumes"]}
                    for container in pod.get("initContainers", []) + pod["containers"]:
                        self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)
                        self.assertNotIn("command", container, "the image has its own, and no shell")
                        for mount in container["volumeMounts"]:
                            outside = set(volumes.get(mount["name"], {})) & {"secret", "configMap"}
                            self.assertEqual(bool(outside), mount.get("readOnly", False), mount)
                    for volume in volumes.values():
                        if "secret" in volume and {each["key"] for each in volume["secret"]["items"]} != {"ca.crt"}:
                            self.assertEqual(volume["secret"]["defaultMode"], 0o440, volume)

    def test_each_job_is_somebody_of_its_own(self):
        made = manifests({})
        jobs = {each["metadata"]["name"]: each for each in made if each["kind"] == "CronJob"}
        self.assertEqual(set(jobs), {"steelyard-rescore", "steelyard-backup"})
        accounts, tokens = set(), set()
        for job in jobs.values():
            spec, pod = job["spec"], job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            self.assertEqual((spec["concurrencyPolicy"], spec["timeZone"]), ("Forbid", "Europe/London"))
            self.assertGreater(spec["startingDeadlineSeconds"], 10)
            self.assertGreater(spec["jobTemplate"]["spec"]["activeDeadlineSeconds"], 0)
            accounts.add(pod["serviceAccountName"])
            tokens.add(one([{"kind": "x", "metadata": {"name": each["name"]}, **each} for each in pod["volumes"]], "x", "self")["secret"]["secretName"])
            server = one(made, "StatefulSet")["spec"]["template"]["spec"]
            self.assertEqual(pod["containers"][0]["image"], server["containers"][0]["image"])
        self.assertEqual((len(accounts), len(tokens)), (2, 2))
        self.assertNotIn("steelyard", accounts)

    def test_a_policy_is_evaluated_every_month_where_that_is_wanted(self):
        made = manifests({"evaluation": {"enabled": True}})
        job = next(each for each in made if each["kind"] == "CronJob" and each["metadata"]["name"] == "steelyard-evaluation")
        self.assertEqual(job["spec"]["schedule"], "0 6 1 * *")
        spec = job["spec"]["jobTemplate"]["spec"]
        # Numbers that left their bounds are no fault of the moment: it is not tried again.
        self.assertEqual(spec["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], [64, 65, 77])
        pod = spec["template"]["spec"]
        self.assertEqual(pod["containers"][0]["args"], ["evaluate", "--quiet"])
        self.assertEqual(pod["serviceAccountName"], "steelyard-evaluation")
        self.assertIn("steelyard-evaluation-token", str(pod["volumes"]))

    def test_a_stop_has_longer_than_the_server_takes_at_most(self):
        # What the code gives the store after the grace; the process has 15 seconds more.
        last_resort = int(re.search(r"LAST_RESORT: Duration = Duration::from_secs\((\d+)\)", (ROOT / "src/cli/serve.rs").read_text(encoding="utf-8"))[1])
        for grace in (0, 20, 3600):
            pod = pods(manifests({"shutdown": {"graceSeconds": grace}}))["StatefulSet/steelyard"]
            self.assertEqual(environment(pod["containers"][0])["STEELYARD_SHUTDOWN_GRACE_SECONDS"], str(grace))
            self.assertEqual(pod["terminationGracePeriodSeconds"], grace + last_resort + 15)

    def test_other_settings_start_the_server_anew_and_other_values_do_not(self):
        def checksum(values):
            return one(manifests(values), "StatefulSet")["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        self.assertNotEqual(checksum({}), checksum({"settings": "[rescore]\nkeep_days = 91\n"}))
        self.assertEqual(checksum({}), checksum({"service": {"type": "NodePort"}}))

    def test_volumes_stay_and_no_two_kinds_of_data_share_one(self):
        server = one(manifests(VALUES["encrypted"]), "StatefulSet")["spec"]
        self.assertEqual(set(server["persistentVolumeClaimRetentionPolicy"].values()), {"Retain"})
        claims = {each["metadata"]["name"] for each in server["volumeClaimTemplates"]}
        self.assertEqual(claims, {"store", "backups", "ring", "kek", "ring-copies"})
        container = server["template"]["spec"]["containers"][0]
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        given = environment(container)
        places = {
            "STEELYARD_DATA_DIR": "store", "STEELYARD_BACKUP_DIRECTORY": "backups", "STEELYARD_ENCRYPTION_DIRECTORY": "ring",
            "STEELYARD_ENCRYPTION_KEK_FILE": "kek", "STEELYARD_ENCRYPTION_BACKUP_DIRECTORY": "ring-copies",
        }
        for variable, claim in places.items():
            above = [mounts[str(each)] for each in pathlib.PurePath(given[variable]).parents if str(each) in mounts]
            self.assertEqual(above, [claim], variable)

    def test_every_reference_leads_somewhere(self):
        for name, values in VALUES.items():
            for place, pod in pods(manifests(values)).items():
                kind, owner = place.split("/")
                claims = []
                if kind == "StatefulSet":
                    claims = one(manifests(values), kind, owner)["spec"]["volumeClaimTemplates"]
                there = {each["name"] for each in pod["volumes"]} | {each["metadata"]["name"] for each in claims}
                containers = pod.get("initContainers", []) + pod["containers"]
                used = {mount["name"] for each in containers for mount in each["volumeMounts"]}
                with self.subTest(values=name, pod=place):
                    self.assertEqual(used, there)
                    for each in containers:
                        mounts = [mount["mountPath"] for mount in each["volumeMounts"]]
                        for variable, value in environment(each).items():
                            if value.startswith("/"):
                                self.assertTrue(any(value.startswith(f"{mount}/") for mount in mounts), (variable, value))

    def test_names_stay_within_what_kubernetes_takes(self):
        for release in ("a", "steelyard-" + "x" * 43, "x" * 44 + "steelyard", "x" * 53):
            for manifest in manifests(VALUES["full"], release):
                name = manifest["metadata"]["name"]
                # Alerts know the server by the name of the Service that Prometheus reads.
                self.assertIn("steelyard", name)
                self.assertLessEqual(len(name), 52 if manifest["kind"] == "CronJob" else 63, name)
                self.assertRegex(name, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")

    def test_the_network_lets_through_what_is_said_and_nothing_else(self):
        made = manifests({})
        server = one(made, "NetworkPolicy", "steelyard")["spec"]
        self.assertEqual([[port["port"] for port in rule["ports"]] for rule in server["ingress"]], [["grpc"]])
        self.assertEqual({port["port"] for rule in server["egress"] for port in rule["ports"]}, {53})
        jobs = one(made, "NetworkPolicy", "steelyard-jobs")["spec"]
        self.assertNotIn("ingress", jobs)
        self.assertEqual({port["port"] for rule in jobs["egress"] for port in rule["ports"]}, {53, 50051})
        for rule in server["ingress"]:
            self.assertTrue(rule["from"], "an empty list would be everybody")
        full = one(manifests(VALUES["full"]), "NetworkPolicy", "steelyard")["spec"]
        self.assertEqual(len(full["ingress"]), 3)
        self.assertIn({"port": 4317, "protocol": "TCP"}, [port for rule in full["egress"] for port in rule["ports"]])

    def test_there_is_no_other_chart_in_it_and_its_versions_are_the_programs(self):
        with Chart.load(str(CHART)) as chart:
            self.assertEqual(chart.dependencies, [])
            version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]
            self.assertEqual((chart.metadata["appVersion"], chart.version), (version, version))
            self.assertIn(f"## [{version}] - 20", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
            self.assertEqual(chart.metadata["kubeVersion"], f">={KUBERNETES[0]}.0-0")

    def test_the_readme_is_made_from_the_schema(self):
        made = subprocess.run([sys.executable, ROOT / "helm" / "readme.py"], capture_output=True, text=True, check=True)
        self.assertEqual((CHART / "README.md").read_text(encoding="utf-8"), made.stdout, "`just keep` makes it anew")


class Refused(unittest.TestCase):
    """What the schema and the templates refuse."""

    def refuse(self, values: dict, *told: str):
        with self.assertRaises(HelmError) as raised:
            rendered(values)
        for each in told:
            self.assertIn(each, str(raised.exception))

    def test_any_number_of_servers_but_one(self):
        for replicas in (0, 2, "1", None, -1):
            with self.subTest(replicas=replicas):
                self.refuse({"replicas": replicas}, "replicas")

    def test_a_name_that_is_no_value_at_every_level(self):
        places = list(objects(SCHEMA))
        self.assertGreater(len(places), 30)
        self.refuse({"surprise": 1}, "surprise")
        for path, _ in places:
            with self.subTest(value=path):
                self.refuse(changed({}, f"{path}.surprise", 1), "surprise")

    def test_every_value_is_described_and_every_default_is_of_the_schema(self):
        def look(schema, path):
            self.assertTrue(schema.get("description"), path)
            if schema.get("type") == "object" and path != "global" and not path.startswith("affinity."):
                self.assertIn("additionalProperties", schema, path)
            for name, inner in schema.get("properties", {}).items():
                look(inner, f"{path}.{name}".lstrip("."))
        look(SCHEMA, "")
        defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
        self.assertEqual(set(SCHEMA["properties"]) - {"global"}, set(defaults))

    def test_a_secret_written_into_the_values(self):
        for path in ("tls.key", "tls.crt", "tls.certificate", "access.jwks", "access.token", "signin.clientSecret", "rescore.token", "backup.token", "encryption.kek"):
            with self.subTest(value=path):
                self.refuse(changed({}, path, "s3cret"), path.split(".")[1])
        self.refuse({"settings": "x = '''-----BEGIN PRIVATE KEY-----'''"}, "settings")
        self.refuse({"settings": "x = 'eyJhbGciOiJFZERTQSJ9.e30.c2ln'"}, "settings")
        # Names of Secrets are names, and not what is in them.
        self.refuse({"tls": {"secretName": "-----BEGIN PRIVATE KEY-----"}}, "secretName")

    def test_values_of_the_wrong_kind(self):
        for path, value in [
            ("service.ports.grpc", 0), ("service.ports.grpc", 65536), ("service.ports.http", "8443"), ("service.type", "ExternalName"),
            ("image.pullPolicy", "Sometimes"), ("image.digest", "sha256:12"), ("image.repository", ""), ("image.tag", "a b"), ("tls.secretName", ""),
            ("rescore.tokenSecretName", ""), ("rescore.schedule", "daily"), ("rescore.startingDeadlineSeconds", 5),
            ("persistence.store.size", "20"), ("persistence.store.directory", "../data"), ("persistence.accessMode", "ReadWriteMany"), ("access.jwksUrl", "http://issuer.example"),
            ("shutdown.graceSeconds", -1), ("startupSeconds", 0), ("networkPolicy.callers", [{}]), ("networkPolicy.callers", [{"pods": {}}]),
            ("networkPolicy.egress", [{}]), ("resources.limits.gpu", 1), ("resources.requests.cpu", -1), ("podLabels", {"app.kubernetes.io/name": "x"}),
            ("podAnnotations", {"checksum/settings": "x"}), ("encryption.enabled", "true"), ("networkPolicy.enabled", 1),
            ("monitoring.prometheusRule.alerts", {"SteelyardAny": {"threshold": 1}}),
        ]:
            with self.subTest(value=path, given=value):
                self.refuse(changed({}, path, value))

    def test_what_contradicts_itself(self):
        issuer = {"issuer": "https://issuer.example"}
        for values, told in [
            ({"tls": {"certManager": {"enabled": True}}}, "tls.certManager.issuerRef.name"),
            ({"access": {**issuer, "jwksUrl": "https://a", "jwksConfigMap": "b"}}, "give one of the two"),
            ({"access": {**issuer, "jwksUrl": "https://a"}}, "access.caConfigMap"),
            ({"access": issuer}, "give the issuer's keys too"),
            ({"access": {"jwksConfigMap": "a"}}, "access.issuer"),
            ({"access": {"certificatesConfigMap": "a"}}, "tls.clientCaSecretName"),
            ({"access": {"certificatesConfigMap": "a", "certificatesSecretName": "b"}, "tls": {"clientCaSecretName": "c"}}, "give one of the two"),
            ({"backup": {"certificateSecretName": "a"}}, "tls.clientCaSecretName"),
            ({"signin": issuer}, "access.issuer"),
            ({"signin": issuer, "access": {**issuer, "jwksConfigMap": "a"}}, "access.caConfigMap"),
            ({"monitoring": {"prometheusRule": {"enabled": True, "alerts": {"NoSuchAlert": {"enabled": False}}}}}, "there is no such alert"),
        ]:
            with self.subTest(values=values):
                self.refuse(values, told)


class Empty(unittest.TestCase):
    """Zero, false and empty are values like others."""

    def test_zero_false_and_empty_render_as_they_are(self):
        made = manifests(VALUES["empty"])
        kinds = [each["kind"] for each in made]
        self.assertNotIn("NetworkPolicy", kinds)
        self.assertEqual([each["metadata"]["name"] for each in made if each["kind"] == "CronJob"], ["steelyard-backup"])
        self.assertEqual(one(made, "CronJob")["spec"]["jobTemplate"]["spec"]["backoffLimit"], 0)
        pod = pods(made)["StatefulSet/steelyard"]
        container = pod["containers"][0]
        self.assertEqual(container["resources"], {"requests": {"cpu": 0, "memory": 0}})
        self.assertEqual(environment(container)["STEELYARD_SHUTDOWN_GRACE_SECONDS"], "0")
        self.assertEqual(pod["terminationGracePeriodSeconds"], 45)
        self.assertEqual(container["image"], "steelyard:0.1.0")
        for absent in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"):
            self.assertNotIn(absent, pod)
        self.assertNotIn("STEELYARD_BACKUP_DIRECTORY", environment(container))
        self.assertEqual(one(made, "ConfigMap")["data"], {"steelyard.toml": ""})
        claims = one(made, "StatefulSet")["spec"]["volumeClaimTemplates"]
        self.assertEqual([each["metadata"] for each in claims], [{"name": "store"}])
        self.assertNotIn("storageClassName", claims[0]["spec"])

    def test_a_value_that_is_taken_away_is_refused_by_its_name_and_not_by_a_template(self):
        def look(schema, above):
            for name, inner in schema.get("properties", {}).items():
                path = f"{above}{name}"
                with self.subTest(value=path):
                    try:
                        rendered(changed({}, path, None))
                    except HelmError as refused:
                        self.assertIn("don't meet the specifications of the schema", str(refused))
                        self.assertIn(name, str(refused))
                look(inner, f"{path}.")
        look(SCHEMA, "")

    def test_every_port_is_the_one_given(self):
        ports = {"grpc": 1, "http": 65535}
        made = manifests({"service": {"ports": ports}})
        self.assertEqual({port["name"]: port["port"] for port in one(made, "Service", "steelyard")["spec"]["ports"]}, ports)
        # Whoever goes to the Pod itself goes to its own ports.
        headless = {port["name"]: port["port"] for port in one(made, "Service", "steelyard-headless")["spec"]["ports"]}
        container = pods(made)["StatefulSet/steelyard"]["containers"][0]
        self.assertEqual(headless, {port["name"]: port["containerPort"] for port in container["ports"] if port["name"] in headless})
        pod = pods(made)["CronJob/steelyard-rescore"]
        self.assertTrue(environment(pod["containers"][0])["STEELYARD_SERVER"].endswith(":1"))


class Settings(unittest.TestCase):
    """What the chart gives the server, judged by the server."""

    def shown(self, values: dict) -> subprocess.CompletedProcess:
        made = manifests(values)
        given = environment(pods(made)["StatefulSet/steelyard"]["containers"][0])
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "steelyard.toml"
            file.write_text(one(made, "ConfigMap", "steelyard")["data"]["steelyard.toml"], encoding="utf-8")
            given["STEELYARD_CONFIG"] = str(file)
            return subprocess.run([BINARY, "config", "show", "--output", "csv"], env=given, capture_output=True, text=True)

    def test_every_variable_and_every_key_is_a_setting(self):
        for name, values in VALUES.items():
            if not values.get("access", {}).get("issuer"):
                continue
            with self.subTest(values=name):
                shown = self.shown(values)
                self.assertEqual(shown.returncode, 0, shown.stderr)
                for variable in environment(pods(manifests(values))["StatefulSet/steelyard"]["containers"][0]):
                    if variable != "STEELYARD_CONFIG":
                        self.assertIn(variable, shown.stdout, "it is in force")

    def test_settings_of_the_values_are_in_force(self):
        shown = self.shown(VALUES["full"])
        self.assertIn("rescore.keep_days,120,", shown.stdout)

    def test_a_misspelt_setting_is_refused_by_the_server(self):
        shown = self.shown(changed(VALUES["minimal"], "settings", "[rescore]\nkeep_dais = 9\n"))
        self.assertEqual(shown.returncode, 64)
        self.assertIn("keep_dais", shown.stderr)

    def test_the_defaults_start_nothing(self):
        for name in ("default", "empty"):
            shown = self.shown(VALUES[name])
            self.assertEqual(shown.returncode, 64, shown.stdout)
            self.assertIn("callers who say who they are", shown.stderr)
            self.assertIn("IT DOES NOT START YET", rendered(VALUES[name])["NOTES.txt"])

    def test_the_notes_name_every_secret_and_config_map_that_a_pod_waits_for(self):
        for name, values in VALUES.items():
            made, notes = manifests(values), rendered(values)["NOTES.txt"]
            own = {each["metadata"]["name"] for each in made if each["kind"] == "ConfigMap"}
            for pod in pods(made).values():
                for volume in pod["volumes"]:
                    wanted = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
                    if wanted and wanted not in own:
                        with self.subTest(values=name, wanted=wanted):
                            self.assertIn(wanted, notes)


class Alerts(unittest.TestCase):
    """Alerts come from a file, and may be changed by their names."""

    def test_alerts_are_those_of_the_file_with_the_labels_given(self):
        file = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
        alerts = [rule for group in file["groups"] for rule in group["rules"] if "alert" in rule]
        values = {"monitoring": {"prometheusRule": {"enabled": True, "ruleLabels": {"team": "iom"}}}}
        made = one(manifests(values), "PrometheusRule")["spec"]["groups"]
        shown = [rule for group in made for rule in group["rules"] if "alert" in rule]
        self.assertEqual([each["alert"] for each in shown], [each["alert"] for each in alerts])
        for given, rule in zip(alerts, shown, strict=True):
            self.assertEqual((rule["expr"], rule.get("annotations")), (given["expr"], given.get("annotations")))
            self.assertEqual(rule["labels"], {**given.get("labels", {}), "team": "iom"})
        self.assertEqual([each["name"] for each in made], [each["name"] for each in file["groups"] if each["rules"]])

    def test_an_alert_is_changed_or_left_out_by_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            chart = pathlib.Path(folder) / "steelyard"
            shutil.copytree(CHART, chart)
            (chart / "files" / "alerts.yaml").write_text(ALERTS, encoding="utf-8")

            def rules(alerts: dict) -> list[dict]:
                values = {"monitoring": {"prometheusRule": {"enabled": True, "ruleLabels": {"team": "iom"}, "alerts": alerts}}}
                rule = one(manifests(values, chart=chart), "PrometheusRule")
                validate(rule)
                return [each for group in rule["spec"]["groups"] for each in group["rules"]]

            first, second = yaml.safe_load(ALERTS)["groups"][0]["rules"]
            recorded = yaml.safe_load(ALERTS)["groups"][1]["rules"][0]
            labelled = [{**each, "labels": {**each.get("labels", {}), "team": "iom"}} for each in (first, second)]
            self.assertEqual(rules({}), [*labelled, recorded])
            self.assertEqual(rules({"First": {"enabled": False}}), [labelled[1], recorded])
            self.assertEqual(rules({"First": {"enabled": True}}), [*labelled, recorded])
            changed = rules({"First": {"expr": "up < 2", "for": "7m", "labels": {"severity": "page"}}})[0]
            self.assertEqual(changed, {**labelled[0], "expr": "up < 2", "for": "7m", "labels": {"severity": "page", "team": "iom"}})

    def test_the_dashboard_is_that_of_the_file(self):
        shown = one(manifests(VALUES["full"]), "ConfigMap", "steelyard-dashboard")
        self.assertEqual(shown["metadata"]["labels"]["grafana_dashboard"], "1")
        self.assertEqual(json.loads(shown["data"]["steelyard.json"]), json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8")))


class Golden(unittest.TestCase):
    """What is rendered, whole, as it was when somebody last looked."""

    def test_nothing_changes_unseen(self):
        expected = {f"{name}.yaml" for name in VALUES}
        for name, values in VALUES.items():
            # Alerts and dashboard are files of their own, and held to them above.
            shown = {path: text for path, text in rendered(values).items() if path not in ("prometheusrule.yaml", "dashboard.yaml")}
            text = "".join(f"# {path}\n{text.strip()}\n" for path, text in sorted(shown.items()) if text.strip())
            file = GOLDEN / f"{name}.yaml"
            if KEEP_GOLDEN:
                file.write_text(text, encoding="utf-8")
            with self.subTest(values=name):
                self.assertEqual(file.read_text(encoding="utf-8"), text, "STEELYARD_KEEP_GOLDEN=1 makes them anew")
        self.assertEqual({file.name for file in GOLDEN.glob("*.yaml")}, expected)


if __name__ == "__main__":
    unittest.main()
