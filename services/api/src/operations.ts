import {
  type KeyDeletedBody,
  type KeyLinkBody,
  messages,
  openApiDocument,
  type StatusBody,
  type TrafficBody,
  type TrafficResetBody,
  type TrafficSyncedBody,
} from "@veil/http-contract";
import { redocPage } from "./docs/redoc-page.ts";
import { swaggerUiPage } from "./docs/swagger-ui-page.ts";
import type { Operations } from "./http/endpoint-routes.ts";
import { ok } from "./http/reply.ts";
import { createKey } from "./keys/create-key.ts";
import { deleteKey } from "./keys/delete-key.ts";
import { keyBody } from "./keys/key-body.ts";
import { keyListChunks } from "./keys/key-list-chunks.ts";
import { RefusedCreations } from "./keys/refused-creations.ts";
import { VisibleKeys } from "./keys/visible-keys.ts";
import type { KeyReader, ShareLinkOf, TrafficReader } from "./ports.ts";
import { getTraffic } from "./traffic/get-traffic.ts";
import { resetTraffic } from "./traffic/reset-traffic.ts";
import { syncTraffic } from "./traffic/sync-traffic.ts";
import type { WritePorts } from "./writes/write-ports.ts";

/** Everything outside that the operations need. Times are in milliseconds. */
export interface OperationPorts extends WritePorts {
  readonly keys: KeyReader;
  readonly traffic: TrafficReader;
  readonly shareLinkOf: ShareLinkOf;
  /** The Reality short id that every key shows. */
  readonly shortId: string;
  readonly refreshWaitMs: number;
  readonly syncDeadlineMs: number;
}

/** Makes the operation of every endpoint. */
export function createOperations(outside: OperationPorts): Operations {
  const refused = new RefusedCreations();
  const visibleKeys = new VisibleKeys(outside.keys, refused);
  const ports = { ...outside, refused, visibleKeys };
  const { shortId, shareLinkOf } = ports;
  const document = openApiDocument();

  return {
    getStatus: async () => ok({ status: "ok", service: "veil-xray-api" } satisfies StatusBody),
    showSwaggerUi: async () => swaggerUiPage,
    showRedoc: async () => redocPage,
    getOpenApiDocument: async () => ok(document),

    createKey: async ({ body }, scope) => ok(keyBody(await createKey(body.name ?? null, scope, ports), shortId)),

    listKeys: async () => ({ kind: "stream", chunks: keyListChunks(visibleKeys.list(), shortId) }),

    getKey: async ({ params }) => ok(keyBody(await visibleKeys.get(params.key_id), shortId)),

    deleteKey: async ({ params: { key_id } }, scope) => {
      await deleteKey(key_id, scope, ports);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    getKeyLink: async ({ params: { key_id } }) => {
      const key = await visibleKeys.get(key_id);
      return ok({ key_id, vless_link: shareLinkOf(key) } satisfies KeyLinkBody);
    },

    getKeyTraffic: async ({ params: { key_id } }, scope) => {
      const { upload, download, lastUpdated } = await getTraffic(key_id, scope, ports);
      const total = upload + download;
      return ok({ key_id, upload, download, total, last_updated: lastUpdated } satisfies TrafficBody);
    },

    resetKeyTraffic: async ({ params: { key_id } }, scope) => {
      const { upload, download } = await resetTraffic(key_id, scope, ports);
      return ok({
        success: true,
        message: messages.trafficReset(key_id),
        key_id,
        previous_upload: upload,
        previous_download: download,
        previous_total: upload + download,
      } satisfies TrafficResetBody);
    },

    syncTraffic: async (_input, scope) => {
      const { updated, errors } = await syncTraffic(scope, ports);
      const message = messages.trafficSynced(updated, errors);
      return ok({ success: true, message, updated, errors } satisfies TrafficSyncedBody);
    },
  };
}
