import { describe, expect, it, vi } from "vitest";
import { Readiness, type ReadinessCheck } from "./readiness.ts";

function runningService() {
  return new Readiness({ state: () => "running", timeoutMs: 1_000 });
}

describe("Readiness", () => {
  it("shares one round of checks among those who ask at once", async () => {
    const readiness = runningService();
    const check = vi.fn<ReadinessCheck>(() => Promise.resolve());
    readiness.addCheck("mongodb", check);
    await Promise.all([readiness.report(), readiness.report()]);
    expect(check).toHaveBeenCalledTimes(1);
    await readiness.report();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it("waits until every dependency has answered once, and outlasts their outages from then on", async () => {
    const readiness = runningService();
    const up = { mongodb: true, redis: false };
    for (const name of ["mongodb", "redis"] as const) {
      readiness.addCheck(name, () => (up[name] ? Promise.resolve() : Promise.reject(new Error("away"))));
    }
    const reported = async () => {
      const { ready, status, checks } = await readiness.report();
      return [ready, status, ...Object.values(checks)];
    };
    expect(await reported()).toEqual([false, "unavailable", "ok", "failed"]);
    up.redis = true;
    expect(await reported()).toEqual([true, "ok", "ok", "ok"]);
    up.redis = false;
    expect(await reported()).toEqual([true, "degraded", "ok", "failed"]);
    up.mongodb = false;
    expect(await reported()).toEqual([true, "degraded", "failed", "failed"]);
  });
});
