import { z } from "zod";
import { type Endpoint, type ErrorCase, isWrite } from "./endpoint.ts";
import { scopeMissing } from "./error-cases.ts";
import { jobAcceptedSchema } from "./job-bodies.ts";
import { jsonSchemaOf } from "./json-schemas.ts";
import { namedSchemas } from "./named-schemas.ts";
import { type HeaderRefs, headerRefs } from "./openapi-headers.ts";

/** The body of every error: one text, never a list or a nested object. */
export const errorBodySchema = z
  .strictObject({ detail: z.string().meta({ description: "What went wrong, in one sentence." }) })
  .meta({ description: "The body of every error." })
  .register(namedSchemas, { id: "Error" });

export type ErrorBody = z.infer<typeof errorBodySchema>;

/** A Response Object of OpenAPI. */
export interface OpenApiResponse {
  readonly description: string;
  readonly headers: HeaderRefs;
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Everything that an endpoint may answer, by status. */
export function openApiResponses(endpoint: Endpoint): Record<string, OpenApiResponse> {
  return {
    ...(endpoint.success.status === 202 ? { 202: queuedOf(endpoint) } : { 200: successOf(endpoint) }),
    ...(isConditional(endpoint) && { 304: unchanged }),
    ...(isWrite(endpoint) && endpoint.success.status === undefined && { 202: accepted }),
    ...errorsOf([...endpoint.errors, ...(endpoint.auth === "bearer" ? [scopeMissing(endpoint.scope)] : [])]),
  };
}

/** Whether `If-None-Match` makes sense: for data that is read. */
function isConditional(endpoint: Endpoint): boolean {
  return !isWrite(endpoint) && endpoint.auth === "bearer";
}

const unchanged: OpenApiResponse = {
  description: "Nothing has changed since the answer whose `ETag` stands in `If-None-Match`.",
  headers: headerRefs("X-Request-Id", "ETag"),
};

const accepted: OpenApiResponse = {
  description: "Queued, because the request preferred `respond-async`.",
  headers: headerRefs("X-Request-Id", "Location", "Preference-Applied", "Retry-After"),
  content: {
    "application/json": {
      schema: jsonSchemaOf(jobAcceptedSchema),
      example: { job_id: "0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11", status: "queued" },
    },
  },
};

function queuedOf(endpoint: Endpoint): OpenApiResponse {
  const { headers, ...success } = successOf(endpoint);
  return { ...success, headers: { ...headers, ...headerRefs("Location", "Retry-After") } };
}

function successOf(endpoint: Endpoint): OpenApiResponse {
  const { description, contentType, schema, example } = endpoint.success;
  return {
    description,
    headers: {
      ...headerRefs("X-Request-Id"),
      ...(isConditional(endpoint) && headerRefs("ETag")),
      ...(isWrite(endpoint) && headerRefs("Idempotency-Replayed")),
    },
    content: { [contentType]: { schema: jsonSchemaOf(schema), ...(example !== undefined && { example }) } },
  };
}

function errorsOf(cases: readonly ErrorCase[]): Record<string, OpenApiResponse> {
  const statuses = [...new Set(cases.map(({ status }) => status))].toSorted((a, b) => a - b);
  const errors = statuses.map((status) => [status, errorOf(status, casesOf(status))] as const);
  return Object.fromEntries(errors);

  function casesOf(status: number): readonly ErrorCase[] {
    return cases.filter((one) => one.status === status);
  }
}

/** Without marks of code: pages show summaries in menus, as they stand. */
function plainText(commonMark: string): string {
  return commonMark.replaceAll("`", "");
}

function errorOf(status: number, cases: readonly ErrorCase[]): OpenApiResponse {
  return {
    description: cases.map((one) => one.description).join(" "),
    headers: {
      ...headerRefs("X-Request-Id"),
      ...(status === 401 && headerRefs("WWW-Authenticate")),
      ...((status === 503 || status === 429) && headerRefs("Retry-After")),
    },
    content: {
      "application/json": {
        schema: jsonSchemaOf(errorBodySchema),
        examples: Object.fromEntries(
          cases.map(({ name, description, detail }) => [name, { summary: plainText(description), value: { detail } }]),
        ),
      },
    },
  };
}
