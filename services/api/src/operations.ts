import {
  extensionSeconds,
  type KeyDeletedBody,
  type KeyLinkBody,
  type KeyLinksBody,
  type KeyRef,
  messages,
  openApiDocument,
  type QrSubject,
  type StatusBody,
  type TokenDeletedBody,
  type TokenListBody,
  type TrafficResetBody,
  type TrafficSyncedBody,
} from "@veil/http-contract";
import { readPackageVersion } from "@veil/runtime";
import type { TokenReader } from "@veil/tokens";
import { redocPage, swaggerUiPage } from "./docs/docs-pages.ts";
import { ExternalIdNotFoundError } from "./errors.ts";
import { checkedOperation, type Operations } from "./http/endpoint-routes.ts";
import { errorDetail } from "./http/error-reply.ts";
import type { DeferredWrites } from "./jobs/deferred-writes.ts";
import type { WritePorts } from "./jobs/run-write-job.ts";
import { answerBatch } from "./keys/answer-batch.ts";
import { createKey, createKeys } from "./keys/create-keys.ts";
import { deleteKey, deleteKeyByExternalId, deleteKeys } from "./keys/delete-keys.ts";
import { findKeyId } from "./keys/find-keys.ts";
import { KeptCounts } from "./keys/kept-counts.ts";
import { listKeys } from "./keys/list-keys.ts";
import { resetKeyTraffic } from "./keys/reset-key-traffic.ts";
import { keyPageOf, selectionOf } from "./keys/select-keys.ts";
import { isKeyBatch, keyBatchStatus, type KeyBatchStatusPorts, updateKeys } from "./keys/update-keys.ts";
import { changeKey, putKey } from "./keys/change-keys.ts";
import { keyBody, keyReply, type KeyShowing, requestedAttributes, settableTerms } from "./keys/key-body.ts";
import { RefusedCreations, VisibleKeys } from "./keys/visible-keys.ts";
import { type KeyFacts, type KeyReader, pageOf, type ShareLinksOf, type TrafficReader } from "./ports.ts";
import { CompressedFile } from "./reply/compressed-file.ts";
import { ok } from "./reply/reply.ts";
import { QR_BYTES, renderQr } from "./subscriptions/render-qr.ts";
import { createToken, deleteToken, listTokens, tokenBody, updateToken } from "./tokens/manage-tokens.ts";
import { getTraffic, listTraffic, trafficBody } from "./traffic/read-traffic.ts";
import { readUsage, Stats } from "./traffic/read-usage.ts";
import { syncTraffic } from "./traffic/write-traffic.ts";

/** Everything outside that the operations need. Times are in milliseconds. */
export interface OperationPorts extends WritePorts, KeyBatchStatusPorts {
  readonly keys: KeyReader;
  readonly traffic: TrafficReader;
  readonly tokens: TokenReader;
  readonly shareLinksOf: ShareLinksOf;
  readonly showing: KeyShowing;
  readonly refreshWaitMs: number;
  readonly syncDeadlineMs: number;
  /** What became of a write that was answered 202. */
  readonly deferred: Pick<DeferredWrites, "status">;
}

/** Makes the operation of every endpoint. */
export function createOperations(outside: OperationPorts): Operations {
  const refused = new RefusedCreations();
  const visibleKeys = new VisibleKeys(outside.keys, refused);
  const counts = new KeptCounts(outside.keys, outside.clock);
  const ports = { ...outside, jobs: counts.watched(outside.jobs), refused, visibleKeys };
  const { shareLinksOf, showing, clock } = ports;
  const stats = new Stats(ports);
  const selecting = { keys: ports.keys, online: () => ports.traffic.online(clock.now()) };
  const document = new CompressedFile("application/json", 0, async () =>
    Buffer.from(JSON.stringify(openApiDocument(readPackageVersion(import.meta.url)))),
  );
  const keyIdOf = (ref: KeyRef) => findKeyId(ref, outside.keys);
  const freshBody = (key: KeyFacts) => keyBody(key, null, clock.now(), showing);
  const bodyOf = async (key: KeyFacts) => keyBody(key, await ports.traffic.find(key.keyId), clock.now(), showing);
  const shown = async (keyId: number) => {
    const [key, figures] = await Promise.all([visibleKeys.get(keyId), ports.traffic.find(keyId)]);
    return keyReply(keyBody(key, figures, clock.now(), showing));
  };
  const qrTextOf = async (ref: KeyRef, subject: QrSubject) => {
    const key = await visibleKeys.get(await keyIdOf(ref));
    if (subject === "subscription") return showing.subscriptionUrlOf(key.token);
    const [{ link }] = shareLinksOf(key);
    // Percent-encoded, a long name takes more room than there is.
    return link.length <= QR_BYTES ? link : shareLinksOf({ ...key, name: null })[0].link;
  };

  const operations: Operations = {
    getStatus: async () => ok({ status: "ok", service: "veil-xray-api" } satisfies StatusBody),
    showSwaggerUi: async () => swaggerUiPage,
    showRedoc: async () => redocPage,
    getOpenApiDocument: async () => ({ kind: "file", file: document }),

    createKey: async ({ body }, scope) => {
      const key = await createKey(requestedAttributes(body), scope, ports);
      if (scope.logFields !== undefined) scope.logFields.keyId = key.keyId;
      return keyReply(freshBody(key));
    },

    createKeys: async ({ body }, scope) =>
      ok(
        await answerBatch(body.keys, (asked) => createKeys(asked.map(requestedAttributes), scope, ports), {
          show: freshBody,
          explain: errorDetail,
        }),
      ),

    listKeys: async ({ query }) => listKeys(await keyPageOf(query, clock.now(), selecting), { ...ports, keys: counts }),

    getKey: async ({ params }) => shown(await keyIdOf(params.key_id)),

    getKeyByExternalId: async ({ params }) => {
      const key = await ports.keys.findByExternalId(params.external_id);
      if (key === null || !visibleKeys.shows(key)) throw new ExternalIdNotFoundError(params.external_id);
      return keyReply(await bodyOf(key));
    },

    putKeyByExternalId: async ({ params, body }, scope) => {
      const { name, ...terms } = body;
      const requested = { terms: settableTerms(terms), ...(name !== undefined && { name }) };
      const { key, outcome } = await putKey(params.external_id, requested, scope, ports);
      if (scope.logFields !== undefined) scope.logFields.keyId = key.keyId;
      return keyReply(await bodyOf(key), { "Veil-Outcome": outcome });
    },

    deleteKeyByExternalId: async ({ params }, scope) => {
      const key_id = await deleteKeyByExternalId(params.external_id, scope, ports);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    updateKey: async ({ params, body, ifRevision }, scope) => {
      const { name, reset_traffic = false, ...terms } = body;
      const change = { set: settableTerms(terms), resetTraffic: reset_traffic, ...(name !== undefined && { name }) };
      const keyId = await keyIdOf(params.key_id);
      return keyReply(await bodyOf(await changeKey("updateKey", { keyId, change, ifRevision }, scope, ports)));
    },

    extendKey: async ({ params, body, ifRevision }, scope) => {
      const change = { extendSeconds: extensionSeconds(body) };
      const keyId = await keyIdOf(params.key_id);
      return keyReply(await bodyOf(await changeKey("extendKey", { keyId, change, ifRevision }, scope, ports)));
    },

    revokeKey: async ({ params, body, ifRevision }, scope) => {
      const change = { revokeLink: body.link === true, revokeCredentials: body.credentials === true };
      const keyId = await keyIdOf(params.key_id);
      return keyReply(await bodyOf(await changeKey("revokeKey", { keyId, change, ifRevision }, scope, ports)));
    },

    updateKeys: async ({ body }, scope) => {
      const { key_ids, filter: { all: _all, ...filter } = {}, set = {}, extend, reset_traffic = false } = body;
      const { name, ...terms } = set;
      const change = {
        set: settableTerms(terms),
        resetTraffic: reset_traffic,
        ...(name !== undefined && { name }),
        ...(extend !== undefined && { extendSeconds: extensionSeconds(extend) }),
      };
      const keys = key_ids === undefined ? { filter: selectionOf(filter) } : { key_ids };
      return updateKeys({ keys, change }, scope, ports);
    },

    deleteKey: async ({ params }, scope) => {
      const key_id = await deleteKey(params.key_id, scope, ports);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    deleteKeys: async ({ body }, scope) =>
      ok(
        await answerBatch(body.key_ids, (refs) => deleteKeys(refs, scope, ports), {
          show: (key) => ({ ...freshBody(key), is_active: false }),
          explain: errorDetail,
        }),
      ),

    getKeyLink: async ({ params }) => {
      const key = await visibleKeys.get(await keyIdOf(params.key_id));
      return ok({ key_id: key.keyId, vless_link: shareLinksOf(key)[0].link } satisfies KeyLinkBody);
    },

    getKeyLinks: async ({ params }) => {
      const key = await visibleKeys.get(await keyIdOf(params.key_id));
      return ok({ key_id: key.keyId, links: [...shareLinksOf(key)] } satisfies KeyLinksBody);
    },

    getKeyQrSvg: async ({ params, query }) => {
      const content = renderQr(await qrTextOf(params.key_id, query.of), "svg");
      return { kind: "picture", contentType: "image/svg+xml", content };
    },

    getKeyQrPng: async ({ params, query }) => {
      const content = renderQr(await qrTextOf(params.key_id, query.of), "png");
      return { kind: "picture", contentType: "image/png", content };
    },

    listTraffic: async ({ query }) => listTraffic(pageOf(query), { ...ports, keys: counts }),

    getKeyUsage: async ({ params, query }) => ok(await readUsage(await keyIdOf(params.key_id), query, ports)),

    getStats: async () => ok(await stats.read()),

    getKeyTraffic: async ({ params, query }, scope) => {
      const keyId = await keyIdOf(params.key_id);
      return ok(trafficBody(keyId, await getTraffic(keyId, query, scope, ports)));
    },

    getJob: async ({ params }, scope) => {
      if (isKeyBatch(params.job_id)) return ok(await keyBatchStatus(params.job_id, ports));
      return ok(
        await ports.deferred.status(
          params.job_id,
          (id, raw, within) => checkedOperation(id, raw, operations)(within),
          scope,
        ),
      );
    },

    resetKeyTraffic: async ({ params }, scope) => {
      const key_id = await keyIdOf(params.key_id);
      const { upload, download } = await resetKeyTraffic(key_id, scope, ports);
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

    createToken: async ({ body }, scope) => {
      const { token, text } = await createToken(body, scope, ports);
      return { ...ok(tokenBody(token)), ...(text !== null && { shownOnce: { token: text } }) };
    },

    listTokens: async (_input, scope) => {
      const tokens = await listTokens(scope, ports);
      return ok({ tokens: tokens.map(tokenBody), total: tokens.length } satisfies TokenListBody);
    },

    updateToken: async ({ params, body }, scope) => ok(tokenBody(await updateToken(params.id, body, scope, ports))),

    deleteToken: async ({ params }, scope) => {
      await deleteToken(params.id, scope, ports);
      return ok({ success: true, message: messages.tokenDeleted(params.id) } satisfies TokenDeletedBody);
    },
  };
  return operations;
}
