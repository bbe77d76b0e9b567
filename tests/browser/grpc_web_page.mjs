// What a developer of another dashboard would write: a page that reads the lists over gRPC-web with types generated
// from the contract. The test calls these functions from outside and sees what they give.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { BadRequestSchema, ErrorInfoSchema } from "google/rpc/error_details_pb.js";
import { List } from "steelyard/v1/common_pb.js";
import { ChangeKind, RankingService } from "steelyard/v1/ranking_pb.js";

function client({ server, token }) {
  const authorise = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createClient(RankingService, createGrpcWebTransport({ baseUrl: server, interceptors: [authorise] }));
}

/** An error as a page can show it: the code, and the reasons that came with it. */
function told(error) {
  const known = ConnectError.from(error);
  const [info] = known.findDetails(ErrorInfoSchema);
  const [bad] = known.findDetails(BadRequestSchema);
  return {
    code: Code[known.code],
    message: known.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    fields: bad?.fieldViolations.map((violation) => violation.field),
  };
}

/** A whole list, page by page. */
async function list(to, request) {
  const rows = [];
  let pageToken = "";
  try {
    do {
      const page = await client(to).listStandings({ list: List.OUTSTANDING, ...request, pageToken });
      rows.push(...page.standings.map(({ subjectRef, position, composite }) => ({ subjectRef, position, composite })));
      pageToken = page.nextPageToken;
    } while (pageToken);
    return { rows };
  } catch (error) {
    return { error: told(error) };
  }
}

/** Keeps `window.held` as the list is, change by change, until it is stopped. */
function watch(to) {
  const stopped = new AbortController();
  window.held = {};
  window.whole = false;
  window.ended = (async () => {
    try {
      for await (const message of client(to).watchStandings({ list: List.OUTSTANDING }, { signal: stopped.signal })) {
        if (message.event.case === "changes") {
          for (const { subjectRef, rank, composite, kind } of message.event.value.changes) {
            if (kind === ChangeKind.LEFT) delete window.held[subjectRef];
            else window.held[subjectRef] = { rank, composite };
          }
        }
        window.whole ||= message.completeRevision === message.context.revision;
      }
      return { error: null };
    } catch (error) {
      return { error: told(error) };
    }
  })();
  window.stop = () => stopped.abort();
}

window.dashboard = { list, watch };
document.querySelector("p").textContent = "ready";
