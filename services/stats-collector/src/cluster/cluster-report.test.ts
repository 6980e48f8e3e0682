import { createLogger } from "@veil/runtime";
import { describe, expect, it, vi } from "vitest";
import { ClusterReporter } from "./cluster-report.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });

/** A lease that one of them can hold, and that does not answer while it is away. */
function sharedLease() {
  let holder: string | null = null;
  const state = { away: false };
  const leaseOf = (name: string) => ({
    acquire: async () => {
      if (state.away) throw new Error("away");
      holder ??= name;
      return holder === name ? { abandonedBy: null, fence: 1 } : null;
    },
    release: async () => {
      if (state.away) throw new Error("away");
      if (holder === name) holder = null;
    },
  });
  return { state, leaseOf, expire: () => (holder = null) };
}

function reporterWith(lease: ReturnType<ReturnType<typeof sharedLease>["leaseOf"]>) {
  let reads = 0;
  const read = async () => {
    reads += 1;
  };
  return { reporter: new ClusterReporter({ lease, read, log }), reads: () => reads };
}

describe("ClusterReporter", () => {
  it("lets one of two report, and only that one reads", async () => {
    const { leaseOf } = sharedLease();
    const [one, other] = [reporterWith(leaseOf("one")), reporterWith(leaseOf("other"))];
    for (const { reporter } of [one, other, one]) await reporter.tick();
    expect([one.reporter.reports, other.reporter.reports]).toEqual([true, false]);
    expect([one.reads(), other.reads()]).toEqual([2, 0]);
  });

  it("hands over at once when it stops", async () => {
    const { leaseOf } = sharedLease();
    const [one, other] = [reporterWith(leaseOf("one")).reporter, reporterWith(leaseOf("other")).reporter];
    await one.tick();
    await one.stop();
    await other.tick();
    expect([one.reports, other.reports]).toEqual([false, true]);
  });

  it("goes on without Redis if it reported before, and does not begin to", async () => {
    const { leaseOf, state } = sharedLease();
    const [one, other] = [reporterWith(leaseOf("one")).reporter, reporterWith(leaseOf("other")).reporter];
    await one.tick();
    state.away = true;
    await one.tick();
    await other.tick();
    expect([one.reports, other.reports]).toEqual([true, false]);
  });

  it("keeps the lease for as long as it reads, so that never two report", async () => {
    vi.useFakeTimers();
    let held = { by: "", until: 0 };
    const leaseOf = (name: string) => ({
      acquire: async () => {
        if (held.by !== name && Date.now() < held.until) return null;
        held = { by: name, until: Date.now() + 6_000 };
        return { abandonedBy: null, fence: 1 };
      },
      release: async () => undefined,
    });
    const read = () => new Promise<void>((resolve) => setTimeout(resolve, 20_000));
    const [one, other] = ["one", "other"].map((name) => new ClusterReporter({ lease: leaseOf(name), read, log }));
    const reading = one?.tick();
    const reports: (boolean | undefined)[] = [];
    for (let looks = 0; looks < 9; looks += 1) {
      void other?.tick();
      await vi.advanceTimersByTimeAsync(2_000);
      reports.push(other?.reports);
    }
    expect(new Set(reports)).toEqual(new Set([false]));
    await vi.advanceTimersByTimeAsync(2_000);
    await reading;
    vi.useRealTimers();
  });

  it("stops to report once another one holds the lease", async () => {
    const { leaseOf, expire } = sharedLease();
    const [one, other] = [reporterWith(leaseOf("one")).reporter, reporterWith(leaseOf("other")).reporter];
    await one.tick();
    expire();
    await other.tick();
    await one.tick();
    expect([one.reports, other.reports]).toEqual([false, true]);
  });
});
