import type { Connection } from "mongoose";
import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";

const PAGE = "limit=100";
const TAG = "bench";
const CONNECTIONS = 4;
const CHANGED_AT_ONCE = 500;
/** A page of the keys that have a tag, one in ten, against a page of all. */
export const listPageCase: BenchCase = {
  name: "list-page",
  group: "50000",
  title: (keys) => `a page of those with a tag among ${grouped(keys)}, 4 connections`,
  keys: { full: 50_000, quick: 5_000 },
  against: "a page of all",
  unit: "ms",
  target: { kind: "at-most", ratio: 2 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    await tagEveryTenth(testbed.mongo, keys);
    const requests = bench.size(20, 5) * CONNECTIONS;
    return {
      ours: async () => ({ value: await pagesOf(testbed, `${PAGE}&tag=${TAG}`, requests), operations: requests }),
      raw: async () => ({ value: await pagesOf(testbed, PAGE, requests), operations: requests }),
      pids: () => testbed.pids(),
      rawPids: () => testbed.pids().services,
      close: async () => {},
    };
  },
};

/** @returns milliseconds for a page */
async function pagesOf({ apiUrl, headers }: BenchTestbed, query: string, requests: number): Promise<number> {
  const path = `/api/keys?${query}`;
  const load = await httpLoad({
    url: apiUrl,
    headers,
    connections: CONNECTIONS,
    requests,
    next: () => ({ method: "GET", path }),
  });
  return 1_000 / load.perSecond;
}

/** As a change of each of these keys would have left it. */
async function tagEveryTenth(mongo: Connection, keys: number): Promise<void> {
  const terms = {
    revision: 2,
    fence: 1,
    changed_by: [],
    enabled: true,
    expires_at: null,
    ends_at: null,
    traffic_limit: null,
    traffic_reset: "none",
    next_reset_at: null,
    reset_anchor: 0,
    used_from: { upload: 0, download: 0 },
    limited_at: null,
    is_expiry_counted: false,
    hold_for: null,
    hold_until: null,
    hold_from: 0,
    external_id: null,
    tag: TAG,
    note: null,
    groups: ["default"],
    device_limit: null,
  };
  const tagged = Array.from({ length: Math.floor(keys / 10) }, (_, index) => String((index + 1) * 10));
  const changes = tagged.map((_id) => ({ updateOne: { filter: { _id }, update: { $set: { terms } } } }));
  const collection = mongo.collection<{ _id: string }>("keys");
  for (let start = 0; start < changes.length; start += CHANGED_AT_ONCE) {
    await collection.bulkWrite(changes.slice(start, start + CHANGED_AT_ONCE), { ordered: false });
  }
}
