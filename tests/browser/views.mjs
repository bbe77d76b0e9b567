// Every view of the pages, with an address at which it has something to show.

import { EVIL } from "./force.mjs";

/** What there is to look at: found through the same calls that the pages make. */
export async function views(server, token) {
  const first = async (list) => (await server.call("RankingService/ListStandings", { list, pageSize: 2 }, token)).standings;
  const [managed, wanted] = [await first("LIST_COHORT"), await first("LIST_WANTED")];
  const { gaps } = await server.call("OutstandingService/ListSupervisionGaps", { pageSize: 1 }, token);
  const at = (path, query = {}) => `${path}?${new URLSearchParams(query)}`;
  const file = { ref: gaps[0].subjectRef, id: gaps[0].outstandingId };
  return {
    today: "/",
    list: "/lists/cohort",
    "list-wanted": "/lists/wanted",
    "list-filtered": at("/lists/cohort", { "filter.bands": "VERY_HIGH", "filter.areas": "Northgate" }),
    "list-nobody": at("/lists/cohort", { "filter.areas": "Nowhere" }),
    changed: "/lists/wanted/changed",
    person: at("/people", { ref: managed[0].subjectRef, list: "cohort" }),
    "person-wanted": at("/people", { ref: wanted[0].subjectRef, list: "wanted" }),
    "person-hostile": at("/people", { ref: EVIL }),
    records: at("/people/records", { ref: managed[0].subjectRef }),
    "records-hostile": at("/people/records", { ref: EVIL }),
    compare: at("/compare", { list: "cohort", a: managed[0].subjectRef, b: managed[1].subjectRef }),
    "compare-whom": at("/compare", { list: "cohort", a: managed[0].subjectRef, b: managed[0].subjectRef }),
    embedded: at("/embed/list/wanted", { area: "Northgate" }),
    supervision: "/supervision",
    victims: "/supervision/victims",
    file: at("/outstanding/file", file),
    review: at("/outstanding/file/review", file),
    activity: at("/outstanding/file/activity", file),
    return: "/return",
    alignment: "/cohort/alignment",
    reviews: "/cohort/reviews",
    decisions: "/cohort/decisions",
    runs: "/runs",
  };
}

/** Views that say no: each with the status with which it does. */
export const REFUSALS = {
  nowhere: ["/nowhere", 404],
  unseen: ["/people?ref=NOBODY", 404],
  wrong: ["/lists/wanted?filter.bands=PURPLE", 400],
};
