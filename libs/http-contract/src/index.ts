export { bodyLimitBytes, type Endpoint, type ErrorCase } from "./endpoint.ts";
export { endpoints, type OperationId, operationIds } from "./endpoint-catalogue.ts";
export { type ErrorBody, errorBodySchema } from "./error-body.ts";
export type { CreateKeyBody, KeyBody, KeyDeletedBody, KeyLinkBody, KeyListBody } from "./key-bodies.ts";
export { messages } from "./messages.ts";
export { contractVersion, type OpenApiDocument, openApiDocument } from "./openapi-document.ts";
export { InvalidRequestError, parseRequest, type RawRequest, type RequestInput } from "./parse-request.ts";
export type { StatusBody } from "./status-body.ts";
export type { TrafficBody, TrafficResetBody, TrafficSyncedBody } from "./traffic-bodies.ts";
