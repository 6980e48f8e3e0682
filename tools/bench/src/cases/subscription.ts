import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import type { SeededKey } from "../testbed/bench-testbed.ts";

const AT_ONCE = 64;

/** A format of subscriptions against a read of the key, which asks the store for the same. */
function subscriptionCase(name: string, title: string, pathOf: (key: SeededKey) => string): BenchCase {
  return {
    name,
    group: "reading",
    title: amongKeys(`${title}, 64 connections`),
    keys: { full: 5_000, quick: 1_000 },
    against: "GET a key",
    unit: "/s",
    target: { kind: "at-least", ratio: 1 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys });
      const operations = bench.size(6_000, 1_000);
      const load = async (path: (key: SeededKey) => string) => {
        const paths = testbed.seeded.map(path);
        let next = 0;
        const { perSecond } = await httpLoad({
          url: testbed.apiUrl,
          headers: testbed.headers,
          connections: AT_ONCE,
          requests: operations,
          next: () => {
            next += 1;
            return { method: "GET", path: paths[next % paths.length] ?? "" };
          },
        });
        return { value: perSecond, operations };
      };
      return {
        ours: () => load(pathOf),
        raw: () => load(({ keyId }) => `/api/keys/${keyId}`),
        pids: () => testbed.pids(),
        rawPids: () => testbed.pids().services,
        close: async () => {},
      };
    },
  };
}

/** The answers that apps ask for every few hours: the list of links, and the format that takes the longest to write. */
export const subscriptionCases: readonly BenchCase[] = [
  subscriptionCase("subscription", "GET a subscription as links", ({ token }) => `/sub/${token}`),
  subscriptionCase("subscription-mihomo", "GET a subscription for mihomo", ({ token }) => `/sub/${token}/mihomo`),
];
