"""Clients that Steelyard did not write, against a real server over a real socket.

A Python client generated from the protos by grpcio-tools, grpcurl through
reflection, and `buf curl` list, page through and explain. STEELYARD_BIN names
the server's binary.
"""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

import grpc
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc
from served import AS_OF, BINARY, ROOT, Server

SUBJECTS = 400
PROTOS = sorted(proto.stem for proto in (ROOT / "proto" / "steelyard" / "v1").glob("*.proto"))


def generate_stubs(folder: pathlib.Path) -> None:
    """Compiles the contract with Google's own compiler."""
    protos = [f"steelyard/v1/{name}.proto" for name in PROTOS]
    include = str(ROOT / "proto")
    failed = protoc.main(["protoc", f"-I{include}", f"-I{well_known()}", f"--python_out={folder}", f"--grpc_python_out={folder}", *protos])
    if failed:
        raise RuntimeError("protoc could not compile the contract")
    sys.path.insert(0, str(folder))


def well_known() -> str:
    """Google's own protos, as grpcio-tools ships them."""
    import grpc_tools

    return str(pathlib.Path(grpc_tools.__file__).parent / "_proto")


class Clients(unittest.TestCase):
    """What a developer of another system would try first."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="steelyard-clients-"))
        stubs = cls.folder / "stubs"
        stubs.mkdir()
        generate_stubs(stubs)
        for name in PROTOS:
            setattr(cls, name, importlib.import_module(f"steelyard.v1.{name}_pb2"))
        cls.evidence_grpc = importlib.import_module("steelyard.v1.evidence_pb2_grpc")
        cls.maintenance_grpc = importlib.import_module("steelyard.v1.maintenance_pb2_grpc")
        cls.ranking_grpc = importlib.import_module("steelyard.v1.ranking_pb2_grpc")
        cls.outstanding_grpc = importlib.import_module("steelyard.v1.outstanding_pb2_grpc")
        cls.cohort_grpc = importlib.import_module("steelyard.v1.cohort_pb2_grpc")
        cls.rescore_grpc = importlib.import_module("steelyard.v1.rescore_pb2_grpc")
        cls.server = Server(cls.folder, "--data-dir", cls.folder / "store")
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.write = cls.evidence_grpc.EvidenceServiceStub(cls.channel)
        cls.keep = cls.maintenance_grpc.MaintenanceServiceStub(cls.channel)
        cls.read = cls.ranking_grpc.RankingServiceStub(cls.channel)
        cls.files = cls.outstanding_grpc.OutstandingServiceStub(cls.channel)
        cls.panel = cls.cohort_grpc.CohortServiceStub(cls.channel)
        force = cls.folder / "force.ndjson"
        generate = [BINARY, "generate", "--subjects", str(SUBJECTS), "--seed", "11", "--as-of", AS_OF, "--out", force]
        subprocess.run(generate, check=True, capture_output=True)
        imported = subprocess.run(
            [BINARY, "import", force, "--server", f"http://{cls.server.address}"], capture_output=True, text=True
        )
        if imported.returncode != 0:
            raise RuntimeError(f"import ended with {imported.returncode}: {imported.stdout}{imported.stderr}")

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        code = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert code == 0, f"the server ended with {code} on SIGTERM"

    def pages(self, name, size):
        token = ""
        while True:
            page = self.read.ListStandings(
                self.ranking.ListStandingsRequest(list=name, page_size=size, page_token=token), timeout=20
            )
            yield page
            token = page.next_page_token
            if not token:
                return

    def test_a_generated_client_pages_through_a_whole_list(self):
        whole = [row for page in self.pages(self.common.LIST_ALL, 37) for row in page.standings]
        self.assertEqual(len(whole), SUBJECTS)
        self.assertEqual([row.position for row in whole], list(range(1, SUBJECTS + 1)))
        self.assertEqual(len({row.subject_ref for row in whole}), SUBJECTS)
        keys = [(row.effective_band, row.composite) for row in whole]
        self.assertEqual(keys, sorted(keys, reverse=True))

    def test_contributions_sum_to_the_composite(self):
        first = next(self.pages(self.common.LIST_OUTSTANDING, 5)).standings
        self.assertTrue(first)
        for row in first:
            answer = self.read.GetStanding(self.ranking.GetStandingRequest(subject_ref=row.subject_ref), timeout=20)
            for listed in answer.standings:
                shares = [part.milli_points for part in listed.standing.detail.contributions]
                self.assertEqual(sum(shares), listed.standing.composite)
                self.assertTrue(all(part.rule for part in listed.standing.detail.contributions))

    def test_an_export_is_the_list(self):
        request = self.ranking.ExportStandingsRequest(list=self.common.LIST_ALL)
        exported = [row.subject_ref for part in self.read.ExportStandings(request, timeout=60) for row in part.standings]
        listed = [row.subject_ref for page in self.pages(self.common.LIST_ALL, 200) for row in page.standings]
        self.assertEqual(exported, listed)

    def test_a_write_is_idempotent_and_read_back(self):
        record = self.evidence.Record(
            id="client-1", subject_ref="CLIENT-1", source_system="client", event_date="2026-03-30",
            person=self.evidence.Person(birth_date="1990-01-01", sex=self.common.SEX_MALE, areas=["Northgate"]),
        )
        request = self.evidence.WriteEvidenceRequest(request_id=str(uuid.uuid4()), records=[record])
        first = self.write.WriteEvidence(request, timeout=20)
        again = self.write.WriteEvidence(request, timeout=20)
        self.assertEqual(first, again)
        request.records[0].person.birth_date = "1991-01-01"
        with self.assertRaises(grpc.RpcError) as refused:
            self.write.WriteEvidence(request, timeout=20)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.ALREADY_EXISTS)
        held = self.write.ListEvidence(
            self.evidence.ListEvidenceRequest(subject_ref="CLIENT-1", min_revision=first.revision), timeout=20
        )
        self.assertEqual([version.record.id for version in held.records], ["client-1"])

    def test_a_file_is_opened_worked_on_and_closed(self):
        person = next(self.pages(self.common.LIST_OUTSTANDING, 1)).standings[0].subject_ref
        whose = {"subject_ref": person, "outstanding_id": "CLIENT-FILE"}
        opened = self.files.OpenOutstanding(
            self.outstanding.OpenOutstandingRequest(
                request_id=str(uuid.uuid4()), reason=self.common.OUTSTANDING_REASON_ESCAPE, officer="PC-1", **whose
            ),
            timeout=20,
        )
        self.assertTrue(opened.etag)
        visit = self.supervision.Activity(
            outstanding_id="CLIENT-FILE", activity_kind=self.supervision.ACTIVITY_KIND_ADDRESS_VISITED,
            outcome=self.supervision.ACTIVITY_OUTCOME_NO_TRACE, officer="PC-1", minutes=30,
        )
        request = self.outstanding.RecordActivityRequest(request_id=str(uuid.uuid4()), subject_ref=person, activity=visit)
        self.assertEqual(self.files.RecordActivity(request, timeout=20), self.files.RecordActivity(request, timeout=20))
        close = self.outstanding.CloseOutstandingRequest(
            request_id=str(uuid.uuid4()), outcome=self.evidence.CLOSE_OUTCOME_ARRESTED, officer="PC-1", **whose
        )
        self.files.CloseOutstanding(close, timeout=20)
        close.request_id = str(uuid.uuid4())
        with self.assertRaises(grpc.RpcError) as twice:
            self.files.CloseOutstanding(close, timeout=20)
        self.assertEqual(twice.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)

    def test_gaps_come_worst_first_and_alignment_counts_every_member(self):
        page = self.files.ListSupervisionGaps(self.outstanding.ListSupervisionGapsRequest(page_size=20), timeout=20)
        order = [(-gap.band, -gap.gap) for gap in page.gaps]
        self.assertTrue(order)
        self.assertEqual(order, sorted(order))
        alignment = self.panel.GetAlignment(self.cohort.GetAlignmentRequest(), timeout=20)
        self.assertEqual(alignment.members, sum(status.members for status in alignment.statuses))
        self.assertGreater(alignment.members, 0)

    def test_every_violation_comes_at_once(self):
        record = self.evidence.Record(id="", subject_ref="a\u0007b", event_date="2026-02-30", offence=self.evidence.Offence(cjs_code="XX99999"))
        with self.assertRaises(grpc.RpcError) as refused:
            self.write.WriteEvidence(
                self.evidence.WriteEvidenceRequest(request_id=str(uuid.uuid4()), records=[record]), timeout=20
            )
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        from google.rpc import error_details_pb2, status_pb2

        trailer = dict(refused.exception.trailing_metadata())["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(trailer)
        fields = set()
        for detail in status.details:
            if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                bad = error_details_pb2.BadRequest()
                detail.Unpack(bad)
                fields = {violation.field for violation in bad.field_violations}
            if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                cause = error_details_pb2.ErrorInfo()
                detail.Unpack(cause)
                self.assertEqual((cause.reason, cause.domain), ("INVALID_ARGUMENT", "steelyard"))
        wanted = {"records[0].id", "records[0].subject_ref", "records[0].source_system", "records[0].event_date", "records[0].offence.cjs_code"}
        self.assertLessEqual(wanted, fields)

    def test_a_flood_of_violations_still_reaches_the_client(self):
        bad = [self.evidence.Record() for _ in range(200)]
        request = self.evidence.WriteEvidenceRequest(request_id=str(uuid.uuid4()), records=bad)
        with self.assertRaises(grpc.RpcError) as refused:
            self.write.WriteEvidence(request, timeout=20)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("validate_only", refused.exception.details())
        request.validate_only = True
        verdicts = self.write.WriteEvidence(request, timeout=20).verdicts
        self.assertTrue(all(verdict.violations for verdict in verdicts) and len(verdicts) == 200)

    def test_a_backup_is_made_and_the_status_names_it(self):
        request = self.maintenance.CreateBackupRequest(
            request_id=str(uuid.uuid4()), kind=self.maintenance.BACKUP_KIND_FULL
        )
        made = list(self.keep.CreateBackup(request, timeout=60))[-1]
        self.assertEqual(made.phase, self.maintenance.BACKUP_PHASE_DONE)
        again = list(self.keep.CreateBackup(request, timeout=60))
        self.assertEqual([answer.backup for answer in again], [made.backup])
        status = self.keep.GetStoreStatus(self.maintenance.GetStoreStatusRequest(), timeout=20)
        self.assertEqual(status.last_backup, made.backup)
        self.assertTrue(status.writable)
        self.assertGreaterEqual(status.revision, made.backup.revision)
        listed = self.keep.ListBackups(self.maintenance.ListBackupsRequest(), timeout=20)
        self.assertIn(made.backup, listed.backups)
        self.assertTrue((self.folder / "store" / "backups" / made.backup.name).is_file())

    def test_health_is_told_for_each_service(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        named = [f"steelyard.v1.{name}Service" for name in ("Evidence", "Maintenance", "Policy", "Ranking", "Rescore")]
        for service in ("", *named):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING, service)

    def test_reflection_names_the_services(self):
        services = set(ProtoReflectionDescriptorDatabase(self.channel).get_services())
        named = {f"steelyard.v1.{name}Service" for name in ("Cohort", "Evidence", "Maintenance", "Outstanding", "Policy", "Ranking", "Rescore")}
        self.assertLessEqual(named, services)

    def run_tool(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    @unittest.skipUnless(shutil.which("buf"), "buf is not installed")
    def test_buf_curl_lists_and_explains(self):
        def call(method, body):
            url = f"http://{self.server.address}/steelyard.v1.RankingService/{method}"
            return self.run_tool("buf", "curl", "--schema", str(ROOT / "proto"), "--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(body), url)

        page = call("ListStandings", {"list": "LIST_OUTSTANDING", "pageSize": 3})
        second = call("ListStandings", {"list": "LIST_OUTSTANDING", "pageSize": 3, "pageToken": page["nextPageToken"]})
        self.assertEqual([row["position"] for row in page["standings"] + second["standings"]], [1, 2, 3, 4, 5, 6])
        who = page["standings"][0]["subjectRef"]
        explained = call("GetStanding", {"subjectRef": who})
        self.assertEqual(explained["subjectRef"], who)
        self.assertTrue(explained["standings"][0]["standing"]["detail"]["contributions"])

    @unittest.skipUnless(shutil.which("grpcurl"), "grpcurl is not installed")
    def test_grpcurl_works_through_reflection_alone(self):
        body = json.dumps({"list": "LIST_ALL", "pageSize": 2, "view": "VIEW_FULL"})
        page = self.run_tool("grpcurl", "-plaintext", "-d", body, self.server.address, "steelyard.v1.RankingService/ListStandings")
        message = json_format.ParseDict(page, self.ranking.ListStandingsResponse())
        self.assertEqual(len(message.standings), 2)

    def test_a_night_is_run_watched_and_followed(self):
        home = self.folder / "night"
        home.mkdir()
        server = Server(home, "--data-dir", home / "store")
        try:
            with grpc.insecure_channel(server.address) as channel:
                write = self.evidence_grpc.EvidenceServiceStub(channel)
                read = self.ranking_grpc.RankingServiceStub(channel)
                runs = self.rescore_grpc.RescoreServiceStub(channel)
                offence = self.evidence.Offence(cjs_code="TH68010", outcome=self.evidence.OUTCOME_CHARGED)
                records = [
                    self.evidence.Record(id=f"N-{n}-1", subject_ref=f"N-{n}", source_system="test", event_date="2026-03-01", offence=offence)
                    for n in range(30)
                ]
                write.WriteEvidence(self.evidence.WriteEvidenceRequest(request_id=str(uuid.uuid4()), records=records), timeout=20)
                stream = read.WatchStandings(self.ranking.WatchStandingsRequest(list=self.common.LIST_ALL), timeout=60)
                held, publications = {}, 0
                run_id = str(uuid.uuid5(uuid.NAMESPACE_OID, "steelyard rescore 2026-04-01"))
                for message in stream:
                    if message.boundary.kind == self.ranking.BOUNDARY_KIND_PUBLICATION:
                        publications += 1
                    for change in message.changes.changes:
                        if change.kind == self.ranking.CHANGE_KIND_LEFT:
                            held.pop(change.subject_ref, None)
                        else:
                            held[change.subject_ref] = change.composite
                    whole = message.complete_revision == message.context.revision
                    if whole and publications == 0 and len(held) == 30:
                        begun = runs.StartRescore(
                            self.rescore.StartRescoreRequest(request_id=run_id, as_of="2026-04-01"), timeout=20
                        ).run
                        self.assertEqual(begun.run_id, run_id)
                        told = list(runs.WatchRescoreRun(self.rescore.WatchRescoreRunRequest(run_id=run_id), timeout=60))
                        self.assertEqual(told[-1].run.state, self.rescore.RESCORE_STATE_PUBLISHED)
                        self.assertEqual(told[-1].run.counters.scored, 30)
                    if whole and publications == 1:
                        break
                stream.cancel()
                page = read.ListStandings(
                    self.ranking.ListStandingsRequest(list=self.common.LIST_ALL, page_size=100, generation=1), timeout=20
                )
                self.assertEqual((page.context.as_of, page.context.generation), ("2026-04-01", 1))
                self.assertEqual({row.subject_ref: row.composite for row in page.standings}, held)
                replay = list(runs.ReplayGeneration(self.rescore.ReplayGenerationRequest(generation=1), timeout=60))
                self.assertTrue(replay[-1].outcome.same)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_an_altered_page_token_is_refused(self):
        token = next(self.pages(self.common.LIST_ALL, 10)).next_page_token
        altered = token[:-1] + ("A" if token[-1] != "A" else "B")
        with self.assertRaises(grpc.RpcError) as refused:
            self.read.ListStandings(
                self.ranking.ListStandingsRequest(list=self.common.LIST_ALL, page_size=10, page_token=altered), timeout=20
            )
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        with self.assertRaises(grpc.RpcError) as other:
            self.read.ListStandings(
                self.ranking.ListStandingsRequest(list=self.common.LIST_CHILDREN, page_size=10, page_token=token), timeout=20
            )
        self.assertIn("other arguments", other.exception.details())


if __name__ == "__main__":
    unittest.main()
