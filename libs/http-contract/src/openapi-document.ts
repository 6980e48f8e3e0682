import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import { type Endpoint, type ErrorCase, isWrite } from "./endpoint.ts";
import { endpoints, operationIds } from "./endpoint-catalogue.ts";
import { errorBodySchema } from "./error-body.ts";
import { jobAcceptedSchema } from "./job-bodies.ts";
import { z } from "./zod.ts";

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31["generateDocument"]>;

/** Version of the contract that the endpoints follow, not of this software. */
export const contractVersion = "1.3.1";

const introduction = `Creates, links, meters and deletes VLESS + Reality keys of Xray servers.

Every endpoint under \`/api\` needs \`Authorization: Bearer <API key>\`; without it the answer is 401, also for paths
and methods that do not exist.

Every error has the body \`{"detail": "<text>"}\`. Every answer has an \`X-Request-Id\`: the caller's own when it sent
one of 1–128 letters, digits, dots, underscores and hyphens, a fresh one otherwise.

Besides the errors listed with each operation: an unknown path is 404 \`Not Found\`, a known path with another method
is 405 with \`Allow\`. A trailing slash is tolerated.

Answers to reads have an \`ETag\`: a request with it in \`If-None-Match\` is answered 304 while nothing has changed.
With \`Accept-Encoding: gzip\` long answers are compressed. Every answer to a request with a token has \`RateLimit\` headers
while there is a limit.`;

/** Makes the OpenAPI 3.1 document from the catalogue. */
export function openApiDocument(): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "The value of `API_SECRET_KEY`, or one of its comma-separated values.",
  });
  const headers = registerHeaders(registry);
  for (const operationId of operationIds) registry.registerPath(routeOf(operationId, endpoints[operationId], headers));

  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: "3.1.0",
    info: {
      title: "Veil Xray API",
      version: contractVersion,
      description: introduction,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server that this document came from." }],
    tags: [
      { name: "Status", description: "Whether the API answers." },
      { name: "Keys", description: "Access keys: create, read, link, delete." },
      { name: "Batches", description: "Up to 1000 keys in one call." },
      { name: "Traffic", description: "Bytes that the keys moved." },
      { name: "Jobs", description: "Writes that are answered later." },
      { name: "Documentation", description: "This description, for people and for programs." },
    ],
  });
}

type HeaderRefs = ReturnType<typeof registerHeaders>;

function registerHeaders(registry: OpenAPIRegistry) {
  const header = (
    name: string,
    text: string,
    schema: { type: "string" | "integer"; minimum?: number },
    example: unknown,
    required = true,
  ) => registry.registerComponent("headers", name, { description: text, required, schema, example }).ref;
  return {
    "X-Request-Id": header("X-Request-Id", "Names the request in every log line.", { type: "string" }, "bot-42"),
    "WWW-Authenticate": header("WWW-Authenticate", "How to authenticate.", { type: "string" }, "Bearer"),
    "Retry-After": header("Retry-After", "Seconds to wait.", { type: "integer", minimum: 1 }, 5),
    ETag: header(
      "ETag",
      "Names what the answer says; missing on very long lists of traffic.",
      { type: "string" },
      'W/"1f-abc"',
      false,
    ),
    "Idempotency-Replayed": header(
      "Idempotency-Replayed",
      "`true` when the answer is that of an earlier request with the same `Idempotency-Key`.",
      { type: "string" },
      "true",
      false,
    ),
    Location: header("Location", "Where to ask what became of it.", { type: "string" }, "/api/jobs/…"),
  };
}

function routeOf(operationId: string, endpoint: Endpoint, headers: HeaderRefs): RouteConfig {
  return {
    operationId,
    method: endpoint.method,
    path: endpoint.path,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: endpoint.description,
    security: endpoint.auth === "bearer" ? [{ bearer: [] }] : [],
    request: requestOf(endpoint),
    responses: {
      200: successOf(endpoint, headers),
      ...(isConditional(endpoint) && { 304: unchangedOf(headers) }),
      ...(isWrite(endpoint) && { 202: acceptedOf(headers) }),
      ...errorsOf(endpoint.errors, headers),
    },
  };
}

/** Optional headers have no examples: Swagger UI would send them with every try. */
const readHeaders = z.object({
  "If-None-Match": z
    .string()
    .optional()
    .openapi({ description: 'The `ETag` of an earlier answer, such as `W/"1f-abc"`.' }),
});

const writeHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .openapi({
      description:
        "Makes repeats safe: within 24 hours a repeat with the same key, such as `order-4711`, gets the first answer, " +
        "with `Idempotency-Replayed: true`, and nothing is done twice.",
    }),
  Prefer: z.string().optional().openapi({
    description: "`respond-async`: the answer is 202 as soon as the write is queued. Anything else is ignored.",
  }),
});

function requestOf(endpoint: Endpoint): NonNullable<RouteConfig["request"]> {
  const { params, query, body } = endpoint;
  return {
    ...(params !== undefined && { params }),
    ...(query !== undefined && { query }),
    ...(isWrite(endpoint) && { headers: writeHeaders }),
    ...(isConditional(endpoint) && { headers: readHeaders }),
    ...(body !== undefined && {
      body: {
        description: body.description,
        required: body.required ?? false,
        content: { "application/json": { schema: body.schema, examples: body.examples } },
      },
    }),
  };
}

function successOf(endpoint: Endpoint, headers: HeaderRefs): RouteConfig["responses"][string] {
  const { description, contentType, schema, example } = endpoint.success;
  return {
    description,
    headers: {
      "X-Request-Id": headers["X-Request-Id"],
      ...(isConditional(endpoint) && { ETag: headers.ETag }),
      ...(isWrite(endpoint) && { "Idempotency-Replayed": headers["Idempotency-Replayed"] }),
    },
    content: { [contentType]: { schema, ...(example !== undefined && { example }) } },
  };
}

/** Whether `If-None-Match` makes sense: for data that is read. */
function isConditional(endpoint: Endpoint): boolean {
  return !isWrite(endpoint) && endpoint.auth === "bearer";
}

function unchangedOf(headers: HeaderRefs): RouteConfig["responses"][string] {
  return {
    description: "Nothing has changed since the answer whose `ETag` stands in `If-None-Match`.",
    headers: { "X-Request-Id": headers["X-Request-Id"], ETag: headers.ETag },
  };
}

function acceptedOf(headers: HeaderRefs): RouteConfig["responses"][string] {
  return {
    description: "Queued, because the request preferred `respond-async`.",
    headers: { "X-Request-Id": headers["X-Request-Id"], Location: headers.Location },
    content: {
      "application/json": {
        schema: jobAcceptedSchema,
        example: { job_id: "0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11", status: "queued" },
      },
    },
  };
}

function errorsOf(cases: readonly ErrorCase[], headers: HeaderRefs): RouteConfig["responses"] {
  const statuses = [...new Set(cases.map(({ status }) => status))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      errorOf(
        status,
        cases.filter((one) => one.status === status),
        headers,
      ),
    ]),
  );
}

function errorOf(status: number, cases: readonly ErrorCase[], headers: HeaderRefs): RouteConfig["responses"][string] {
  return {
    description: cases.map((one) => one.description).join(" "),
    headers: {
      "X-Request-Id": headers["X-Request-Id"],
      ...(status === 401 && { "WWW-Authenticate": headers["WWW-Authenticate"] }),
      ...((status === 503 || status === 429) && { "Retry-After": headers["Retry-After"] }),
    },
    content: {
      "application/json": {
        schema: errorBodySchema,
        examples: Object.fromEntries(
          cases.map(({ name, description: summary, detail }) => [name, { summary, value: { detail } }]),
        ),
      },
    },
  };
}
