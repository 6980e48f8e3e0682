import type { Endpoint } from "./endpoint.ts";
import { endpoints, operationIds } from "./endpoint-catalogue.ts";
import { componentSchemas } from "./json-schemas.ts";
import { componentHeaders } from "./openapi-headers.ts";
import { type OpenApiOperation, openApiOperation } from "./openapi-operation.ts";

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

const INTRODUCTION = `Creates, links, meters and deletes VLESS + Reality keys of Xray servers.

Every endpoint under \`/api\` needs \`Authorization: Bearer <API key>\`; without it the answer is 401, also for paths
and methods that do not exist.

Every error has the body \`{"detail": "<text>"}\`. Every answer has an \`X-Request-Id\`: the caller's own when it sent
one of 1–128 letters, digits, dots, underscores and hyphens, a fresh one otherwise.

Besides the errors listed with each operation: an unknown path is 404 \`Not Found\`, a known path with another method
is 405 with \`Allow\`. A trailing slash is tolerated.

Answers to reads have an \`ETag\`: a request with it in \`If-None-Match\` is answered 304 while nothing has changed.
With \`Accept-Encoding: gzip\` long answers are compressed. Every answer to a request with a token has \`RateLimit\` headers
while there is a limit.

This document is at \`/openapi.json\`. People try it at \`/docs\` and read it at \`/redoc\`.`;

/** The tag that clients have no use for: the pages, and this document itself. */
const DESCRIBES_ITSELF: Endpoint["tag"] = "Documentation";

/**
 * Makes the OpenAPI 3.1 document from the catalogue. The endpoints that serve it are left out, since generated clients would
 * have methods for them.
 *
 * @param version of this software
 */
export function openApiDocument(version: string) {
  return {
    openapi: "3.1.0",
    info: {
      title: "Veil Xray API",
      version,
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server that this document came from." }],
    tags: [
      { name: "Status", description: "Whether the API answers." },
      { name: "Keys", description: "Access keys: create, read, link, delete." },
      { name: "Batches", description: "Up to 1000 keys in one call." },
      { name: "Devices", description: "Who fetches a key's subscription, and from where keys are connected." },
      { name: "Traffic", description: "Bytes that the keys moved." },
      { name: "Jobs", description: "Writes that are answered later." },
      { name: "Tokens", description: "What other callers may do." },
      { name: "Events", description: "What happened, and who did it." },
      { name: "Webhooks", description: "Where events are sent." },
      { name: "Nodes", description: "The Xray servers that keys work on." },
      { name: "Hosts", description: "The endpoints that links and subscriptions show." },
    ],
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "The value of `API_SECRET_KEY`, or one of its comma-separated values, which may do everything; or a token of " +
            "`POST /api/tokens`. What is listed with each operation is the scope that it needs.",
        },
      },
      headers: componentHeaders,
      schemas: componentSchemas(),
    },
    paths: paths(),
  } as const;
}

function paths(): Record<string, Partial<Record<Endpoint["method"], OpenApiOperation>>> {
  const byPath: ReturnType<typeof paths> = {};
  for (const operationId of operationIds) {
    const { path, method, tag } = endpoints[operationId];
    if (tag === DESCRIBES_ITSELF) continue;
    byPath[path] = { ...byPath[path], [method]: openApiOperation(operationId, endpoints[operationId]) };
  }
  return byPath;
}
