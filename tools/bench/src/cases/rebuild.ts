import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { userEmail } from "@veil/protocols";
import { untilUsers } from "../testbed/bench-testbed.ts";

const CHECKED_AFTER_MS = 3_000;

/** An Xray that starts again, empty, until it holds all users; against the one message that carries them all. */
export function rebuildCase(full: 10_000 | 50_000): BenchCase {
  return {
    name: `rebuild-${full}`,
    group: String(full),
    title: (keys) => `rebuild after an Xray restart, ${grouped(keys)} keys`,
    keys: { full, quick: full / 10 },
    against: "AddInbound with the same users",
    unit: "/s",
    target: { kind: "at-least", ratio: 0.5 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys });
      const users = testbed.seeded.map(({ keyId, uuid }) => ({
        email: userEmail(keyId),
        account: { protocol: "vless" as const, uuid, flow: "" as const },
      }));
      const operations = users.length;
      return {
        ours: async () => {
          // A worker that has not yet checked the last rebuild can't notice that it is gone.
          await new Promise((resolve) => setTimeout(resolve, CHECKED_AFTER_MS));
          await testbed.restartXray();
          const begun = performance.now();
          const passBefore = await passSeconds(testbed.workerMetricsUrl);
          await untilUsers(testbed, operations, 5);
          const seconds = (performance.now() - begun) / 1_000;
          const pass = (await passSeconds(testbed.workerMetricsUrl)) - passBefore;
          const note = `${seconds.toFixed(2)} s from Xray's first connection to the last user; passes took ${pass.toFixed(2)} s`;
          return { value: operations / seconds, operations, note };
        },
        raw: async () => {
          const inbound = await testbed.xray.readInbound();
          if (inbound === null) throw new Error("Xray has no inbound");
          await testbed.xray.removeInbound();
          const begun = performance.now();
          await testbed.xray.addInbound(inbound, users);
          const seconds = (performance.now() - begun) / 1_000;
          await untilUsers(testbed, operations, 5);
          return { value: operations / seconds, operations };
        },
        pids: () => testbed.pids(),
        close: async () => {},
      };
    },
  };
}

/** The time that finished passes took so far, from the worker's own histogram. */
export async function passSeconds(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return Number(/^veil_reconcile_duration_seconds_sum\{[^}]*\} (\S+)$/m.exec(text)?.[1] ?? 0);
}
