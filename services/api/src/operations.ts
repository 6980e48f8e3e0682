import {
  type JobBody,
  type KeyDeletedBody,
  type KeyLinkBody,
  type KeyLinksBody,
  type KeyRef,
  messages,
  openApiDocument,
  type StatusBody,
  type TrafficResetBody,
  type TrafficSyncedBody,
} from "@veil/http-contract";
import { redocPage } from "./docs/redoc-page.ts";
import { swaggerUiPage } from "./docs/swagger-ui-page.ts";
import type { Operations } from "./http/endpoint-routes.ts";
import { ok } from "./http/reply.ts";
import { answerBatch } from "./keys/batch-outcome.ts";
import { createKey } from "./keys/create-key.ts";
import { createKeys } from "./keys/create-keys.ts";
import { deleteKey } from "./keys/delete-key.ts";
import { deleteKeys } from "./keys/delete-keys.ts";
import { findKeyId, keyIdToDelete } from "./keys/find-key-id.ts";
import { keyBody } from "./keys/key-body.ts";
import { listKeys } from "./keys/list-keys.ts";
import { RefusedCreations } from "./keys/refused-creations.ts";
import { VisibleKeys } from "./keys/visible-keys.ts";
import { type KeyReader, pageOf, type RequestScope, type ShareLinksOf, type TrafficReader } from "./ports.ts";
import { getTraffic } from "./traffic/get-traffic.ts";
import { listTraffic, trafficBody } from "./traffic/list-traffic.ts";
import { resetTraffic } from "./traffic/reset-traffic.ts";
import { syncTraffic } from "./traffic/sync-traffic.ts";
import type { WritePorts } from "./writes/write-ports.ts";

/** Everything outside that the operations need. Times are in milliseconds. */
export interface OperationPorts extends WritePorts {
  readonly keys: KeyReader;
  readonly traffic: TrafficReader;
  readonly shareLinksOf: ShareLinksOf;
  /** The Reality short id that every key shows. */
  readonly shortId: string;
  readonly refreshWaitMs: number;
  readonly syncDeadlineMs: number;
  /** What became of a write that was answered 202. */
  readonly jobStatus: (jobId: string, scope: RequestScope) => Promise<JobBody>;
}

/** Makes the operation of every endpoint. */
export function createOperations(outside: OperationPorts): Operations {
  const refused = new RefusedCreations();
  const visibleKeys = new VisibleKeys(outside.keys, refused);
  const ports = { ...outside, refused, visibleKeys };
  const { shortId, shareLinksOf } = ports;
  const document = openApiDocument();
  const keyIdOf = (ref: KeyRef) => findKeyId(ref, outside.keys);

  return {
    getStatus: async () => ok({ status: "ok", service: "veil-xray-api" } satisfies StatusBody),
    showSwaggerUi: async () => swaggerUiPage,
    showRedoc: async () => redocPage,
    getOpenApiDocument: async () => ok(document),

    createKey: async ({ body }, scope) => {
      const key = await createKey(body.name ?? null, scope, ports);
      if (scope.trail !== undefined) scope.trail.keyId = key.keyId;
      return ok(keyBody(key, shortId));
    },

    createKeys: async ({ body }, scope) =>
      ok(
        await answerBatch(
          body.keys,
          (wishes) =>
            createKeys(
              wishes.map(({ name }) => name ?? null),
              scope,
              ports,
            ),
          (key) => keyBody(key, shortId),
        ),
      ),

    listKeys: async ({ query }) => listKeys(pageOf(query), ports),

    getKey: async ({ params }) => ok(keyBody(await visibleKeys.get(await keyIdOf(params.key_id)), shortId)),

    deleteKey: async ({ params }, scope) => {
      const key_id = await keyIdToDelete(params.key_id, outside.keys);
      await deleteKey(key_id, scope, ports);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    deleteKeys: async ({ body }, scope) =>
      ok(
        await answerBatch(
          body.key_ids,
          (refs) => deleteKeys(refs, scope, ports),
          (key) => ({ ...keyBody(key, shortId), is_active: false }),
        ),
      ),

    getKeyLink: async ({ params }) => {
      const key = await visibleKeys.get(await keyIdOf(params.key_id));
      return ok({ key_id: key.keyId, vless_link: shareLinksOf(key)[0].link } satisfies KeyLinkBody);
    },

    getKeyLinks: async ({ params }) => {
      const key = await visibleKeys.get(await keyIdOf(params.key_id));
      return ok({ key_id: key.keyId, links: [...shareLinksOf(key)] } satisfies KeyLinksBody);
    },

    listTraffic: async ({ query }) => listTraffic(pageOf(query), ports),

    getKeyTraffic: async ({ params, query }, scope) => {
      const keyId = await keyIdOf(params.key_id);
      return ok(trafficBody(keyId, await getTraffic(keyId, query, scope, ports)));
    },

    getJob: async ({ params }, scope) => ok(await ports.jobStatus(params.job_id, scope)),

    resetKeyTraffic: async ({ params }, scope) => {
      const key_id = await keyIdOf(params.key_id);
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
