import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import { startBareServer } from "../raw/start-bare-server.ts";

const AT_ONCE = 64;

function readCase(name: string, title: string, pathOf: (keyId: number) => string): BenchCase {
  return {
    name,
    group: "reading",
    title: amongKeys(`${title}, 64 connections`),
    keys: { full: 5_000, quick: 1_000 },
    against: "Express with one lean find",
    unit: "/s",
    target: { kind: "at-least", ratio: 0.8 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys });
      const bare = await startBareServer(testbed.mongodbUri);
      const operations = bench.size(6_000, 1_000);
      const load = async (url: string, path: (keyId: number) => string) => {
        let next = 0;
        const { perSecond } = await httpLoad({
          url,
          headers: testbed.headers,
          connections: AT_ONCE,
          requests: operations,
          next: () => {
            next += 1;
            return { method: "GET", path: path(1 + (next % testbed.keys)) };
          },
        });
        return { value: perSecond, operations };
      };
      return {
        ours: () => load(testbed.apiUrl, pathOf),
        raw: () => load(bare.url, (keyId) => `/api/keys/${keyId}`),
        pids: () => testbed.pids(),
        rawPids: () => ({ server: bare.pid }),
        close: () => bare.close(),
      };
    },
  };
}

/** The reads of one key. */
export const readCases: readonly BenchCase[] = [
  readCase("get-key", "GET a key", (keyId) => `/api/keys/${keyId}`),
  readCase("get-link", "GET a link", (keyId) => `/api/keys/${keyId}/link`),
  readCase("get-stored-traffic", "GET stored traffic of a key", (keyId) => `/api/keys/${keyId}/traffic?refresh=false`),
  readCase("get-traffic", "GET traffic of a key, read from Xray", (keyId) => `/api/keys/${keyId}/traffic`),
];
