import { z } from "zod";
import { type Endpoint, isWrite } from "./endpoint.ts";
import { type JsonSchema, jsonSchemaOf } from "./json-schemas.ts";
import { type OpenApiResponse, openApiResponses } from "./openapi-responses.ts";

/** An Operation Object of OpenAPI. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBodyObject;
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

interface RequestBodyObject {
  readonly description: string;
  readonly required: boolean;
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly examples: unknown }>>;
}

interface Parameter {
  readonly schema: JsonSchema;
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly name: string;
  readonly in: "path" | "query" | "header";
}

/** Optional headers have no examples: Swagger UI would send them with every try. */
const readHeaders = z.object({
  "If-None-Match": z
    .string()
    .optional()
    .meta({ description: 'The `ETag` of an earlier answer, such as `W/"1f-abc"`.' }),
});

const writeHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .meta({
      description:
        "Makes repeats safe: within 24 hours a repeat with the same key, such as `order-4711`, gets the first answer, " +
        "with `Idempotency-Replayed: true`, and nothing is done twice.",
    }),
  Prefer: z.string().optional().meta({
    description: "`respond-async`: the answer is 202 as soon as the write is queued. Anything else is ignored.",
  }),
});

const changeHeaders = writeHeaders.extend({
  "If-Match": z
    .string()
    .optional()
    .meta({
      description:
        'The `ETag` of the key as it was read, such as `"3-1f"`: the answer is 412 when its revision has changed since. ' +
        "`*`: whatever it is.",
    }),
});

/** Describes one endpoint. */
export function openApiOperation(operationId: string, endpoint: Endpoint): OpenApiOperation {
  const parameters = parametersOf(endpoint);
  return {
    operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description:
      endpoint.auth === "bearer"
        ? `${endpoint.description}\n\nNeeds the scope \`${endpoint.scope}\`.`
        : endpoint.description,
    security: endpoint.auth === "bearer" ? [{ bearer: [endpoint.scope] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(endpoint.body !== undefined && { requestBody: requestBodyOf(endpoint.body) }),
    responses: openApiResponses(endpoint),
  };
}

function parametersOf(endpoint: Endpoint): Parameter[] {
  const ofWrite = endpoint.takesIfMatch === true ? changeHeaders : writeHeaders;
  const headers = isWrite(endpoint) ? ofWrite : endpoint.auth === "bearer" ? readHeaders : undefined;
  return [
    ...parametersIn("path", endpoint.params),
    ...parametersIn("query", endpoint.query),
    ...parametersIn("header", headers),
  ];
}

/** None of those in a query or a header is required. */
function parametersIn(place: Parameter["in"], schema: z.ZodObject = z.object()): Parameter[] {
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  return Object.entries(shape).map(([name, parameter]) => {
    const described = jsonSchemaOf(parameter);
    const { description } = described;
    return { schema: described, required: place === "path", description, name, in: place };
  });
}

function requestBodyOf({
  description,
  required = false,
  schema,
  examples,
}: NonNullable<Endpoint["body"]>): RequestBodyObject {
  return { description, required, content: { "application/json": { schema: jsonSchemaOf(schema), examples } } };
}
