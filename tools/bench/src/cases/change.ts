import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";
import { createKeys } from "./create-keys.ts";

const AT_ONCE = 64;
const DAY_S = 86_400;

interface ChangeRequest {
  readonly method: "PATCH" | "POST" | "PUT";
  readonly path: string;
  readonly body: object;
}

/** Changes of keys in service that nodes need not know of, each of another key, against creates in the same system. */
function changeCase(
  name: string,
  title: string,
  requestOf: (keyId: number, round: number) => ChangeRequest,
  first?: (keyId: number) => ChangeRequest,
): BenchCase {
  return {
    name,
    group: "empty",
    title: amongKeys(title),
    keys: { full: 0, quick: 0 },
    against: "single creates, 64 in flight",
    unit: "/s",
    target: { kind: "at-least", ratio: 0.7 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys });
      const operations = bench.size(3_000, 500);
      const { keyIds } = await createKeys(testbed, operations, AT_ONCE);
      if (first !== undefined) await send(testbed, keyIds.map(first));
      let round = 0;
      return {
        ours: async () => {
          round += 1;
          const requests = keyIds.map((keyId) => requestOf(keyId, round));
          return { value: (await send(testbed, requests)).perSecond, operations };
        },
        raw: async () => ({ value: (await createKeys(testbed, operations, AT_ONCE)).perSecond, operations }),
        pids: () => testbed.pids(),
        rawPids: () => testbed.pids().services,
        close: async () => {},
      };
    },
  };
}

function send({ apiUrl, headers }: BenchTestbed, requests: readonly ChangeRequest[]) {
  let next = 0;
  return httpLoad({
    url: apiUrl,
    headers,
    connections: AT_ONCE,
    requests: requests.length,
    next: () => {
      const request = requests[next % requests.length];
      if (request === undefined) throw new RangeError("there is nothing to send");
      next += 1;
      return { ...request, body: JSON.stringify(request.body) };
    },
  });
}

const inDays = (days: number) => Math.floor(Date.now() / 1_000) + days * DAY_S;
const externalPath = (keyId: number) => `/api/keys/by-external-id/bench-${keyId}`;

export const changeCases: readonly BenchCase[] = [
  changeCase("patch", "PATCH of a date and a limit, 64 in flight", (keyId, round) => ({
    method: "PATCH",
    path: `/api/keys/${keyId}`,
    body: { expires_at: inDays(30 + round), traffic_limit: 1_000_000_000 + round },
  })),
  changeCase(
    "extend",
    "extensions, 64 in flight",
    (keyId) => ({ method: "POST", path: `/api/keys/${keyId}/extend`, body: { days: 30 } }),
    (keyId) => ({ method: "PATCH", path: `/api/keys/${keyId}`, body: { expires_at: inDays(30) } }),
  ),
  changeCase(
    "put",
    "upserts that change, 64 in flight",
    (keyId, round) => ({ method: "PUT", path: externalPath(keyId), body: { expires_at: inDays(60 + round) } }),
    (keyId) => ({ method: "PUT", path: externalPath(keyId), body: {} }),
  ),
];
