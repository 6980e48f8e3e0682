import { describe, expect, it, vi } from "vitest";
import { createLogger } from "./create-logger.ts";
import { Readiness, type ReadinessCheck } from "./readiness.ts";

function runningService() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: "api", version: "1", level: "info", pretty: false, destination });
  return { lines, readiness: new Readiness({ state: () => "running", timeoutMs: 1_000, log }) };
}

describe("Readiness", () => {
  it("shares one round of checks among those who ask at once", async () => {
    const { readiness } = runningService();
    const check = vi.fn<ReadinessCheck>(() => Promise.resolve());
    readiness.addCheck("mongodb", check);
    await Promise.all([readiness.report(), readiness.report()]);
    expect(check).toHaveBeenCalledTimes(1);
    await readiness.report();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it("logs when a dependency goes and when it comes back, once each", async () => {
    const { readiness, lines } = runningService();
    let up = false;
    readiness.addCheck("mongodb", () => (up ? Promise.resolve() : Promise.reject(new Error("no primary"))));
    await readiness.report();
    await readiness.report();
    up = true;
    await readiness.report();
    await readiness.report();
    expect(lines.map((line) => /"msg":"([^"]+)"/.exec(line)?.[1])).toEqual([
      "dependency does not answer",
      "dependency answers again",
    ]);
    expect(lines[0]).toContain("no primary");
  });
});
