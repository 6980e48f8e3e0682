import { createMetrics } from "@veil/runtime";
import { expect, it, vi } from "vitest";
import { unreadableRecords } from "./open-backing-services.ts";

it("counts an unreadable record whenever it is met, and names it in the log once", async () => {
  const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
  const error = vi.fn<(fields: object) => void>();
  const onUnreadable = unreadableRecords(metrics, { error });
  const err = new Error("phase: expected number");
  for (const id of ["1", "1", "2"]) onUnreadable({ collection: "keys", id, error: err });
  expect(await metrics.registry.metrics()).toContain('veil_records_unreadable_total{collection="keys"} 3');
  expect(await metrics.registry.metrics()).toContain('veil_records_unreadable_total{collection="traffic"} 0');
  expect(error.mock.calls.map(([fields]) => fields)).toEqual([
    { err, collection: "keys", id: "1" },
    { err, collection: "keys", id: "2" },
  ]);
});
