import { messages, type TrafficResetBody, type TrafficSyncedBody } from "@veil/http-contract";
import type { OperationTable } from "./http/endpoint-routes.ts";
import { findKeyId } from "./keys/find-keys.ts";
import { resetKeyTraffic } from "./keys/reset-key-traffic.ts";
import type { CallerPorts, SharedPorts } from "./operation-ports.ts";
import { pageOf } from "./ports.ts";
import { ok } from "./reply/reply.ts";
import { OnlineCounts, readKeyOnline } from "./traffic/read-online.ts";
import { getTraffic, listTraffic, trafficBody } from "./traffic/read-traffic.ts";
import { readUsage, Stats } from "./traffic/read-usage.ts";
import { syncTraffic } from "./traffic/write-traffic.ts";

type TrafficOperation =
  | "getKeyOnline"
  | "getKeyTraffic"
  | "getKeyUsage"
  | "getOnline"
  | "getStats"
  | "listTraffic"
  | "resetKeyTraffic"
  | "syncTraffic";

/** The operations on what keys move and who is connected. */
export function trafficOperations(shared: SharedPorts): Pick<OperationTable<CallerPorts>, TrafficOperation> {
  const stats = new Stats(shared);
  const onlineCounts = new OnlineCounts(shared);
  return {
    listTraffic: async ({ query }, _scope, within) => listTraffic(pageOf(query), within),

    getKeyUsage: async ({ params, query }, _scope, within) =>
      ok(await readUsage(await findKeyId(params.key_id, within.keys), query, within)),

    getKeyOnline: async ({ params }, scope, within) =>
      ok(await readKeyOnline(await findKeyId(params.key_id, within.keys), scope, within)),

    getOnline: async (_input, scope, { keys }) => ok(await onlineCounts.read(scope, keys)),

    getStats: async (_input, _scope, { keys }) => ok(await stats.read(keys)),

    getKeyTraffic: async ({ params, query }, scope, within) => {
      const keyId = await findKeyId(params.key_id, within.keys);
      return ok(trafficBody(keyId, await getTraffic(keyId, query, scope, within)));
    },

    resetKeyTraffic: async ({ params }, scope, within) => {
      const key_id = await findKeyId(params.key_id, within.keys);
      const { upload, download } = await resetKeyTraffic(key_id, scope, within);
      return ok({
        success: true,
        message: messages.trafficReset(key_id),
        key_id,
        previous_upload: upload,
        previous_download: download,
        previous_total: upload + download,
      } satisfies TrafficResetBody);
    },

    syncTraffic: async (_input, scope, within) => {
      const { updated, errors } = await syncTraffic(scope, within);
      const message = messages.trafficSynced(updated, errors);
      return ok({ success: true, message, updated, errors } satisfies TrafficSyncedBody);
    },
  };
}
