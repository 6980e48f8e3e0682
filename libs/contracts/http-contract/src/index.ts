/**
 * The HTTP endpoints in zod: validation, messages and the OpenAPI document from one source. Knows no Express and no
 * I/O.
 */
export { type BatchItem, type BatchResultBody, LARGEST_BATCH as largestBatch } from "./batch-bodies.ts";
export { BODY_LIMIT_BYTES as bodyLimitBytes, type Endpoint, type ErrorCase, isWrite } from "./endpoint.ts";
export { endpoints, type OperationId, operationIds } from "./endpoint-catalogue.ts";
export { type DeviceListBody, type DevicesDeletedBody, shownDevice } from "./device-bodies.ts";
export { type ErrorBody, errorBodySchema } from "./openapi-responses.ts";
export { eventBody, type EventListQuery } from "./event-bodies.ts";
export { type ShownKey, shownKey, type ShownTraffic } from "./shown-key.ts";
export {
  type CreateKeyBody,
  extensionSeconds,
  type KeyBody,
  type KeyDeletedBody,
  type KeyLinkBody,
  type KeyLinksBody,
  type KeyListBody,
  type UpdateKeyBody,
} from "./key-bodies.ts";
export type { JobAcceptedBody, JobBody } from "./job-bodies.ts";
export type { KeyFilterBody, KeyListQuery } from "./key-filters.ts";
export type { KeyRef } from "./key-id.ts";
export { keyNameSchema, LONGEST_KEY_NAME } from "./key-name.ts";
export { messages } from "./messages.ts";
export { type OpenApiDocument, openApiDocument } from "./openapi-document.ts";
export {
  InvalidRequestError,
  parseRequest,
  type RawRequest,
  type RequestInput,
  type SeenRevision,
} from "./parse-request.ts";
export type { KeyOnlineBody, OnlineBody } from "./online-bodies.ts";
export type { PageQuery, QrSubject } from "./queries.ts";
export type { CreateTokenBody, TokenBody, TokenDeletedBody, TokenListBody, UpdateTokenBody } from "./token-bodies.ts";
export type { StatusBody } from "./endpoints/public-endpoints.ts";
export type {
  CreateWebhookBody,
  UpdateWebhookBody,
  WebhookBody,
  WebhookDeletedBody,
  WebhookListBody,
  WebhookTestedBody,
} from "./webhook-bodies.ts";
export { asciiAddress, asciiHost } from "./host-names.ts";
export type {
  CreateNodeBody,
  NodeBody,
  NodeDeletedBody,
  NodeHealthBody,
  NodeListBody,
  UpdateNodeBody,
} from "./node-bodies.ts";
export { nodeTemplateSchema } from "./node-bodies.ts";
export { newNode, nodeTemplate } from "./new-node.ts";
export { alpnProtocols, HOST_ID } from "./host-bodies.ts";
export type {
  CreateHostBody,
  HostBody,
  HostDeletedBody,
  HostListBody,
  PutHostBody,
  UpdateHostBody,
} from "./host-bodies.ts";
export type { StatsBody, UsageBody, UsageQuery } from "./usage-bodies.ts";
export type { TrafficBody, TrafficListBody, TrafficResetBody, TrafficSyncedBody } from "./traffic-bodies.ts";
