import { describe, expect, it } from "vitest";
import { createMetrics, ManualClock } from "@veil/runtime";
import { dependencyMetrics, watchDependencies } from "./watch-dependencies.ts";

async function watched(ask: { mongodb: () => Promise<unknown>; redis: () => Promise<unknown> }) {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  const lines: string[] = [];
  const line = (fields: { err?: unknown }, message: string) =>
    void lines.push(fields.err instanceof Error ? `${message}: ${fields.err.message}` : message);
  const log = { info: line, warn: line };
  const task = watchDependencies({ ask, note: dependencyMetrics(metrics), log, clock: new ManualClock() });
  return { task, text: () => metrics.registry.metrics(), lines };
}

describe("watchDependencies", () => {
  it("takes no dependency for down while it connects at the start, and then the one that does not", async () => {
    const clock = new ManualClock();
    const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
    const lines: string[] = [];
    const line = ({ dependency }: { dependency: string }, message: string) =>
      void lines.push(`${dependency}: ${message}`);
    let asked = 0;
    const task = watchDependencies({
      ask: {
        mongodb: async () => {
          if (++asked < 3) throw new Error("not connected yet");
        },
        redis: () => Promise.reject(new Error("away")),
      },
      ...{ note: dependencyMetrics(metrics), log: { info: line, warn: line }, connectMs: 1_000, clock },
    });
    const firstRun = task.trigger();
    await clock.advance(900);
    expect(lines).toEqual([]);
    expect(await metrics.registry.metrics()).toContain('veil_dependency_up{dependency="mongodb"} 1');
    await clock.advance(200);
    expect(lines).toEqual(["redis: dependency is down"]);
    await firstRun;
    await task.stop();
  });

  it("shows what answers as up with its round trip, and what rejects as down without one", async () => {
    const { task, text } = await watched({
      mongodb: async () => undefined,
      redis: () => Promise.reject(new Error("away")),
    });
    await task.trigger();
    const page = await text();
    expect(page).toContain('veil_dependency_up{dependency="mongodb"} 1');
    expect(page).toContain('veil_dependency_up{dependency="redis"} 0');
    expect(page).toMatch(/ping_duration_seconds_count\{dependency="mongodb"\} [1-9]/);
    expect(page).toContain('ping_duration_seconds_count{dependency="redis"} 0');
    await task.stop();
  });

  it("shows a dependency as up again as soon as it answers", async () => {
    let away = true;
    const { task, text } = await watched({
      mongodb: async () => {
        if (away) throw new Error("away");
      },
      redis: async () => undefined,
    });
    await task.trigger();
    away = false;
    await task.trigger();
    expect(await text()).toContain('veil_dependency_up{dependency="mongodb"} 1');
    await task.stop();
  });

  it("logs each reason why a dependency is down, and that it is back, once each", async () => {
    let fault: Error | null = new Error("ECONNREFUSED");
    const { task, lines } = await watched({
      mongodb: async () => undefined,
      redis: async () => {
        if (fault !== null) throw fault;
      },
    });
    for (const next of [fault, fault, new Error("OOM"), new Error("OOM"), fault, new Error("OOM"), null, null]) {
      fault = next;
      await task.trigger();
    }
    expect(lines).toEqual(["dependency is down: ECONNREFUSED", "dependency is down: OOM", "dependency is back"]);
    await task.stop();
  });
});
