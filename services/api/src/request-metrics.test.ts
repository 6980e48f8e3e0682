import { createMetrics } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import type { FinishedRequest } from "./http/log-request.ts";
import { requestMetrics } from "./request-metrics.ts";

const plain: FinishedRequest = {
  method: "GET",
  route: "/api/keys",
  status: 200,
  identified: true,
  replayed: false,
  durationSeconds: 0.002,
};

async function pageAfter(...requests: Partial<FinishedRequest>[]): Promise<string> {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  const note = requestMetrics(metrics);
  for (const request of requests) note({ ...plain, ...request });
  return metrics.registry.metrics();
}

describe("requestMetrics", () => {
  it("has every endpoint and every reason at 0 before the first request", async () => {
    const page = await pageAfter();
    expect(page).toContain('duration_seconds_count{method="POST",route="/api/keys",status="200"} 0');
    expect(page).toContain('veil_http_refused_total{reason="unauthorized"} 0');
    expect(page).toContain('veil_http_replayed_total{operation="createKey"} 0');
  });

  it.each([
    [401, false, "unauthorized"],
    [403, true, "forbidden"],
    [429, true, "rate_limited"],
    [429, false, "too_many_failures"],
  ] as const)("counts a %d of a sender who is known: %s as %s", async (status, identified, reason) => {
    expect(await pageAfter({ status, identified })).toContain(`veil_http_refused_total{reason="${reason}"} 1`);
  });

  it("counts a reader of documents who came too often for no one who tries tokens", async () => {
    const page = await pageAfter({ status: 429, identified: false, route: "/docs" });
    expect(page).toContain('veil_http_refused_total{reason="rate_limited"} 1');
    expect(page).toContain('veil_http_refused_total{reason="too_many_failures"} 0');
  });

  it("counts a replay under its operation, and only replays", async () => {
    const page = await pageAfter({ method: "POST", replayed: true }, { method: "POST" });
    expect(page).toContain('veil_http_replayed_total{operation="createKey"} 1');
  });

  it("keeps methods bounded", async () => {
    expect(await pageAfter({ method: "PROPFIND", route: "unmatched", status: 405 })).toContain('method="other"');
  });
});
