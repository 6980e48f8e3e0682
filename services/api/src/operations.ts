import {
  type CreateKeyBody,
  type DeviceListBody,
  type DevicesDeletedBody,
  extensionSeconds,
  type KeyDeletedBody,
  type KeyLinkBody,
  type KeyLinksBody,
  type KeyRef,
  messages,
  openApiDocument,
  type QrSubject,
  type RawRequest,
  type StatusBody,
  type TokenDeletedBody,
  type TokenListBody,
} from "@veil/http-contract";
import { readPackageVersion } from "@veil/runtime";
import { redocPage, swaggerUiPage } from "./docs/docs-pages.ts";
import { ExternalIdNotFoundError } from "./errors.ts";
import { listEvents } from "./events/list-events.ts";
import { checkedOperation, type Operations, type OperationTable } from "./http/endpoint-routes.ts";
import { errorDetail } from "./http/error-reply.ts";
import type { WriteOperation } from "./jobs/write-jobs.ts";
import { answerBatch } from "./keys/answer-batch.ts";
import { CallerKeys } from "./caller-keys.ts";
import { createKey, createKeys } from "./keys/create-keys.ts";
import { deleteKey, deleteKeyByExternalId, deleteKeys } from "./keys/delete-keys.ts";
import { findKeyId } from "./keys/find-keys.ts";
import { KeptCounts } from "./keys/kept-counts.ts";
import { listKeys } from "./keys/list-keys.ts";
import { deleteDevices, listDevices } from "./keys/manage-devices.ts";
import { keyPageOf, selectionOf } from "./keys/select-keys.ts";
import { isKeyBatch, keyBatchStatus, updateKeys } from "./keys/update-keys.ts";
import { changeKey, putKey } from "./keys/change-keys.ts";
import { keyBody, keyReply, requestedAttributes, settableTerms } from "./keys/key-body.ts";
import { RefusedCreations, VisibleKeys } from "./keys/visible-keys.ts";
import type { CallerPorts, OperationPorts, SharedPorts } from "./operation-ports.ts";
import { type KeyFacts, type RequestScope, viewerOf } from "./ports.ts";
import { CompressedFile } from "./reply/compressed-file.ts";
import { pageOf } from "./reply/page-of.ts";
import { type JsonReply, ok } from "./reply/reply.ts";
import { firstLink } from "./share-link-maker.ts";
import { shownFigures } from "./shown-figures.ts";
import { QR_BYTES, renderQr } from "./subscriptions/render-qr.ts";
import { figuresAfterWrite } from "./traffic/figures-after-write.ts";
import { trafficOperations } from "./traffic-operations.ts";
import { hostOperations, nodeOperations } from "./fleet-operations.ts";
import { webhookOperations } from "./webhook-operations.ts";
import { createToken, deleteToken, listTokens, tokenBody, updateToken } from "./tokens/manage-tokens.ts";

/** Makes the operations of all endpoints, each of which sees the keys of its caller alone. */
export function createOperations({ keys, totals = keys, ...outside }: OperationPorts): Operations {
  const counts = new KeptCounts(totals);
  const shared = { ...outside, jobs: counts.watched(outside.jobs), refused: new RefusedCreations() };
  const operations: Operations = {
    run: (id, input, scope) => {
      const own = new CallerKeys(viewerOf(scope), keys, shared.clock, counts);
      const operation: OperationTable<CallerPorts>[typeof id] = table[id];
      return operation(input, scope, { ...shared, keys: own, visibleKeys: new VisibleKeys(own, shared.refused) });
    },
  };
  const table = operationTable(shared, (id, raw) => checkedOperation(id, raw, operations));
  return operations;
}

type RunStored = (id: WriteOperation, raw: RawRequest) => (scope: RequestScope) => Promise<JsonReply>;

function operationTable(shared: SharedPorts, runStored: RunStored): OperationTable<CallerPorts> {
  const { shareLinksOf, showing, clock, traffic } = shared;
  const document = new CompressedFile("application/json", 0, async () =>
    Buffer.from(JSON.stringify(openApiDocument(readPackageVersion(import.meta.url)))),
  );
  const freshBody = (key: KeyFacts) => keyBody(key, null, clock.now(), showing);
  const writtenBody = async (key: KeyFacts, scope: RequestScope) =>
    keyBody(key, await figuresAfterWrite(key.keyId, scope, shared), clock.now(), showing);
  const keyOf = async (ref: KeyRef, { keys, visibleKeys }: CallerPorts) => visibleKeys.get(await findKeyId(ref, keys));
  const qrTextOf = async (ref: KeyRef, subject: QrSubject, within: CallerPorts) => {
    const key = await keyOf(ref, within);
    if (subject === "subscription") return showing.subscriptionUrlOf(key.token);
    const link = firstLink(await shareLinksOf(key));
    // Percent-encoded, a long name takes more room than there is.
    if (link.length <= QR_BYTES) return link;
    return firstLink(await shareLinksOf({ ...key, name: null }));
  };

  return {
    ...hostOperations,
    ...trafficOperations(shared),
    ...webhookOperations,
    ...nodeOperations,

    getStatus: async () => ok({ status: "ok", service: "veil-xray-api" } satisfies StatusBody),
    showSwaggerUi: async () => swaggerUiPage,
    showRedoc: async () => redocPage,
    getOpenApiDocument: async () => ({ kind: "file", file: document }),

    createKey: async ({ body }, scope, within) => {
      const key = await createKey(requestedAttributes(body, within.keys), scope, within);
      if (scope.logFields !== undefined) scope.logFields.keyId = key.keyId;
      return keyReply(freshBody(key));
    },

    createKeys: async ({ body }, scope, within) => {
      const requested = (asked: CreateKeyBody) => requestedAttributes(asked, within.keys);
      const create = (asked: readonly CreateKeyBody[]) => createKeys(asked.map(requested), scope, within);
      return ok(await answerBatch(body.keys, create, { show: freshBody, explain: errorDetail }));
    },

    listKeys: async ({ query }, _scope, within) => listKeys(await keyPageOf(query, within), within),

    getKey: async ({ params }, _scope, within) => {
      const keyId = await findKeyId(params.key_id, within.keys);
      const [key, figures] = await Promise.all([within.visibleKeys.get(keyId), shownFigures(keyId, traffic)]);
      return keyReply(keyBody(key, figures, clock.now(), showing));
    },

    getKeyByExternalId: async ({ params }, _scope, { keys, visibleKeys }) => {
      const key = await keys.findByExternalId(params.external_id);
      if (key === null || !visibleKeys.shows(key)) throw new ExternalIdNotFoundError(params.external_id);
      return keyReply(keyBody(key, await shownFigures(key.keyId, traffic), clock.now(), showing));
    },

    putKeyByExternalId: async ({ params, body, ifRevision }, scope, within) => {
      const { name, ...terms } = body;
      const requested = { terms: settableTerms(terms), ...(name !== undefined && { name }), ifRevision };
      const { key, outcome } = await putKey(params.external_id, requested, scope, within);
      if (scope.logFields !== undefined) scope.logFields.keyId = key.keyId;
      return keyReply(await writtenBody(key, scope), { "Veil-Outcome": outcome });
    },

    deleteKeyByExternalId: async ({ params }, scope, within) => {
      const key_id = await deleteKeyByExternalId(params.external_id, scope, within);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    updateKey: async ({ params, body, ifRevision }, scope, within) => {
      const { name, reset_traffic: resetTraffic = false, reset_devices: resetDevices = false, ...terms } = body;
      const acts = { resetTraffic, resetDevices };
      const change = { set: settableTerms(terms), ...acts, ...(name !== undefined && { name }) };
      const keyId = await findKeyId(params.key_id, within.keys);
      const key = await changeKey("updateKey", { keyId, change, ifRevision }, scope, within);
      return keyReply(await writtenBody(key, scope));
    },

    extendKey: async ({ params, body, ifRevision }, scope, within) => {
      const change = { extendSeconds: extensionSeconds(body) };
      const keyId = await findKeyId(params.key_id, within.keys);
      const key = await changeKey("extendKey", { keyId, change, ifRevision }, scope, within);
      return keyReply(await writtenBody(key, scope));
    },

    revokeKey: async ({ params, body, ifRevision }, scope, within) => {
      const change = { revokeLink: body.link === true, revokeCredentials: body.credentials === true };
      const keyId = await findKeyId(params.key_id, within.keys);
      const key = await changeKey("revokeKey", { keyId, change, ifRevision }, scope, within);
      return keyReply(await writtenBody(key, scope));
    },

    updateKeys: async ({ body }, scope, within) => {
      const { key_ids, filter: { all: _all, ...filter } = {}, set = {}, extend, reset_traffic = false } = body;
      const { name, reset_traffic: resetsTraffic = false, reset_devices: resetDevices = false, ...terms } = set;
      const change = {
        set: settableTerms(terms),
        resetTraffic: reset_traffic || resetsTraffic,
        resetDevices,
        ...(name !== undefined && { name }),
        ...(extend !== undefined && { extendSeconds: extensionSeconds(extend) }),
      };
      const keys = key_ids === undefined ? { filter: selectionOf(filter) } : { key_ids };
      return updateKeys({ keys, change }, scope, within);
    },

    deleteKey: async ({ params }, scope, within) => {
      const key_id = await deleteKey(params.key_id, scope, within);
      return ok({ success: true, message: messages.keyDeleted(key_id) } satisfies KeyDeletedBody);
    },

    deleteKeys: async ({ body }, scope, within) =>
      ok(
        await answerBatch(body.key_ids, (refs) => deleteKeys(refs, scope, within), {
          show: (key) => ({ ...freshBody(key), is_active: false }),
          explain: errorDetail,
        }),
      ),

    getKeyLink: async ({ params }, _scope, within) => {
      const key = await keyOf(params.key_id, within);
      return ok({ key_id: key.keyId, vless_link: firstLink(await shareLinksOf(key)) } satisfies KeyLinkBody);
    },

    getKeyLinks: async ({ params }, _scope, within) => {
      const key = await keyOf(params.key_id, within);
      return ok({ key_id: key.keyId, links: [...(await shareLinksOf(key))] } satisfies KeyLinksBody);
    },

    getKeyQrSvg: async ({ params, query }, _scope, within) => {
      const content = renderQr(await qrTextOf(params.key_id, query.of, within), "svg");
      return { kind: "picture", contentType: "image/svg+xml", content };
    },

    getKeyQrPng: async ({ params, query }, _scope, within) => {
      const content = renderQr(await qrTextOf(params.key_id, query.of, within), "png");
      return { kind: "picture", contentType: "image/png", content };
    },

    listDevices: async ({ params, query }, _scope, within) => {
      const { devices, total } = await listDevices(await findKeyId(params.key_id, within.keys), within);
      return ok({ devices: [...pageOf(devices, query, ({ id }) => id)], total } satisfies DeviceListBody);
    },

    deleteDevice: async ({ params }, scope, within) => {
      const keyId = await findKeyId(params.key_id, within.keys);
      await deleteDevices({ keyId, deviceId: params.id }, scope, within);
      return ok({ success: true, message: messages.deviceDeleted(params.id) } satisfies DevicesDeletedBody);
    },

    deleteDevices: async ({ params }, scope, within) => {
      const keyId = await findKeyId(params.key_id, within.keys);
      await deleteDevices({ keyId, deviceId: null }, scope, within);
      return ok({ success: true, message: messages.devicesDeleted(keyId) } satisfies DevicesDeletedBody);
    },

    getJob: async ({ params }, scope, within) => {
      if (isKeyBatch(params.job_id)) return ok(await keyBatchStatus(params.job_id, within.keys, within));
      const run = (id: WriteOperation, raw: RawRequest, forWhom: RequestScope) => runStored(id, raw)(forWhom);
      return ok(await shared.deferred.status(params.job_id, run, scope));
    },

    listEvents: async ({ query }, scope, within) => listEvents(query, scope, within),

    createToken: async ({ body }, scope, within) => {
      const { token, text } = await createToken(body, scope, within);
      return { ...ok(tokenBody(token)), ...(text !== null && { shownOnce: { token: text } }) };
    },

    listTokens: async ({ query }, scope, within) => {
      const tokens = await listTokens(scope, within);
      return ok({
        tokens: pageOf(tokens, query, ({ id }) => id).map(tokenBody),
        total: tokens.length,
      } satisfies TokenListBody);
    },

    updateToken: async ({ params, body }, scope, within) =>
      ok(tokenBody(await updateToken(params.id, body, scope, within))),

    deleteToken: async ({ params }, scope, within) => {
      await deleteToken(params.id, scope, within);
      return ok({ success: true, message: messages.tokenDeleted(params.id) } satisfies TokenDeletedBody);
    },
  };
}
