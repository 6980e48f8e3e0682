import { endpoints } from "@veil/http-contract";
import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { call, dropKey, makeKey } from "./bot.ts";

export function describeTraffic(target: () => ContractTarget): void {
  describe("traffic", () => {
    it("is zero for a new key, as of its creation or later", async () => {
      const key = await makeKey(target());
      const response = await call(target(), "get", `/api/keys/${key.key_id}/traffic`).expect(200);
      const traffic = endpoints.getKeyTraffic.success.schema.parse(response.body);
      expect(traffic).toMatchObject({ key_id: key.key_id, upload: 0, download: 0, total: 0 });
      expect(traffic.last_updated).toBeGreaterThanOrEqual(key.created_at);
      await dropKey(target(), key);
    });

    it("can be reset before any was counted", async () => {
      const { key_id } = await makeKey(target());
      const response = await call(target(), "post", `/api/keys/${key_id}/traffic/reset`).expect(200);
      expect(response.body).toEqual({
        success: true,
        message: `Traffic reset successfully for key ${key_id}`,
        key_id,
        previous_upload: 0,
        previous_download: 0,
        previous_total: 0,
      });
      await dropKey(target(), { key_id });
    });

    it("can be synced for all active keys", async () => {
      const key = await makeKey(target());
      const response = await call(target(), "post", "/api/traffic/sync").expect(200);
      const { updated, errors, message } = endpoints.syncTraffic.success.schema.parse(response.body);
      expect(message).toBe(`Synced ${updated} keys, ${errors} errors`);
      expect(updated + errors).toBeGreaterThanOrEqual(1);
      await dropKey(target(), key);
    });
  });
}
