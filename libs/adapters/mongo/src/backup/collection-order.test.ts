import { expect, test } from "vitest";
import { inBackupOrder } from "./backup-database.ts";

test("progress is read before keys, and what follows from keys after them", () => {
  const order = inBackupOrder(["counters", "traffic", "events", "keys", "webhook_deliveries", "nodes", "external_ids"]);
  expect(order).toEqual(["webhook_deliveries", "keys", "nodes", "traffic", "events", "external_ids", "counters"]);
});
