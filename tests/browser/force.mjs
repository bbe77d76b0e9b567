// A force for the pages to show: invented people, a file under supervision, an override and decisions, and one person
// whose every text is something that a page or a spreadsheet must never carry out.

import { randomUUID } from "node:crypto";

import { AS_OF, Server } from "./server.mjs";

/** What a careless page would run: each sets `window.ran` if it does. */
const SCRIPT = `<script>window.ran="script"</script>`;
const IMAGE = `"><img src=x onerror="window.ran='image'">`;
const SVG = `'><svg/onload=window.ran=1>`;
const FRAME = `</textarea></title><iframe srcdoc="<script>parent.ran='frame'</script>"></iframe>`;
const ADDRESS = "javascript:window.ran='address'";
const BRACES = "{{constructor.constructor('window.ran=1')()}} ${window.ran=1}";
/** What a careless spreadsheet would run. */
const FORMULA = '=HYPERLINK("http://evil.example","see")';
/** The reference of the person who is made of them. */
export const EVIL = `<img src=x onerror=window.ran='reference'>`;

const ROLES = ["analyst", "offender_manager", "detective", "supervisor", "cohort_panel", "auditor"];

/** Serves a force. `settings`: further arguments of `serve`. */
export async function force({ subjects = 400, settings = [] } = {}) {
  const server = await Server.start({ settings });
  try {
    await server.invent({ subjects });
    await decided(server);
    await hostile(server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A token of somebody who may do what any officer may, in these areas. */
export const officer = (server, { actor = "PS-1", areas = ["*"], lists = [] } = {}) =>
  server.token({ actor, roles: ROLES, areas, lists, permissions: ["see_children"] });

/** What a panel and a supervisor decided about the first people of two lists. */
async function decided(server) {
  const panel = await officer(server, { actor: "PANEL" });
  const { standings } = await server.call("RankingService/ListStandings", { list: "LIST_COHORT", pageSize: 3 }, panel);
  for (const { subjectRef } of standings) {
    const decision = { decision: "DECISION_KIND_RETAIN", rag: "RAG_RED" };
    const by = { officer: "INSP-1", rationale: "Kept: the plan is working, and the risk has not gone.", offenderManager: "OM-1", area: "Northgate" };
    await server.call("CohortService/RecordDecision", { requestId: randomUUID(), subjectRef, decisionId: `D-${subjectRef}`, sourceSystem: "panel", ...decision, ...by }, panel);
  }
}

async function hostile(server) {
  const writer = await server.token({ actor: "writer", roles: ["evidence_writer", "reader"] });
  const of = (id, kind, eventDate = "2026-03-01") => ({ id, subjectRef: EVIL, sourceSystem: SVG, eventDate, ...kind });
  const records = [
    of("E-1", { person: { birthDate: "1990-01-01", sex: "SEX_MALE", areas: ["Northgate", SVG], name: SCRIPT, pncId: FORMULA.slice(0, 16) } }),
    of(IMAGE, { offence: { cjsCode: "TH68010", outcome: "OUTCOME_CHARGED", incidentRef: IMAGE, victim: { victimRef: SCRIPT, naturalPerson: true } } }),
    of("E-3", { order: { title: SCRIPT } }),
    of(FORMULA, { outstanding: { reason: "OUTSTANDING_REASON_ESCAPE", area: SVG, officer: ADDRESS, supervisor: FORMULA, periods: [{ openedOn: "2026-02-01" }] } }, "2026-02-01"),
    of("E-5", { cohortMembership: { status: "COHORT_STATUS_FIXED", rag: "RAG_RED", offenderManager: FORMULA, area: SVG } }, "2026-01-01"),
    of("E-6", { bandOverride: { band: "BAND_VERY_HIGH", scope: "OVERRIDE_SCOPE_BOTH", rationale: `${SCRIPT}${IMAGE}${FRAME}${BRACES}`, officer: IMAGE, expiresOn: "2026-06-01" } }),
    of("E-7", { activity: { outstandingId: FORMULA, activityKind: "ACTIVITY_KIND_ADDRESS_VISITED", outcome: "ACTIVITY_OUTCOME_NO_TRACE", officer: SCRIPT, note: `${FRAME}${IMAGE}`, minutes: 5, doneTime: "2026-03-02T10:00:00Z" } }, "2026-03-02"),
    of("E-8", { review: { outstandingId: FORMULA, officer: SVG, rank: "SUPERVISOR_RANK_SERGEANT", findings: `${FRAME}${SCRIPT}`, instructions: `${IMAGE}${BRACES}`, reviewedTime: "2026-03-03T10:00:00Z" } }, "2026-03-03"),
  ];
  const write = { requestId: randomUUID(), records };
  const { verdicts = [] } = await server.call("EvidenceService/WriteEvidence", { ...write, validateOnly: true }, writer);
  const refused = verdicts.flatMap(({ violations = [] }) => violations.map((violation) => violation.description));
  if (refused.length) throw new Error(`texts that the contract allows are refused: ${refused.join("; ")}`);
  await server.call("EvidenceService/WriteEvidence", write, writer);
  const panel = await officer(server, { actor: "PANEL" });
  const decision = { decision: "DECISION_KIND_RETAIN", officer: SVG, rationale: `${SCRIPT}${IMAGE}${FRAME}`, panel: IMAGE };
  await server.call("CohortService/RecordDecision", { requestId: randomUUID(), subjectRef: EVIL, decisionId: SCRIPT, sourceSystem: SVG, ...decision }, panel);
}

export { AS_OF };
