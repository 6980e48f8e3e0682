import { z } from "zod";
import { namedSchemas, schemaRef } from "./named-schemas.ts";

/** A Schema Object of OpenAPI 3.1, which is JSON Schema. */
export interface JsonSchema {
  readonly description?: string;
  readonly [keyword: string]: unknown;
}

/** Describes what callers send and read, not what validation makes of it. */
const options = { io: "input", override: simplify } as const;

/** Every named schema under its name, with references to the others. */
export function componentSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(namedSchemas, { ...options, uri: (id) => schemaRef(id).$ref });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutAddress(schema)]));
}

/** The reference to a named schema, or the JSON Schema of any other. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const id = namedSchemas.get(schema)?.id;
  return id === undefined ? withoutAddress(z.toJSONSchema(schema, options)) : schemaRef(id);
}

/** Prefers the keywords that client generators know best, and drops what Zod adds of its own accord. */
function simplify({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: z.core.JSONSchema.BaseSchema }) {
  // Generated clients would name a type for the one value. Where it tells variants apart, the schema is an enum of one.
  if (jsonSchema.const !== undefined) {
    jsonSchema["example"] ??= jsonSchema.const;
    delete jsonSchema.const;
  }
  if (jsonSchema.format === "uuid") delete jsonSchema.pattern;
  joinNull(jsonSchema);
  // Zod bounds every integer so; the bounds stay only where a schema's own metadata names them.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER && !namesMaximum(zodSchema)) delete jsonSchema.maximum;
}

function namesMaximum(schema: z.core.$ZodType): boolean {
  if (z.globalRegistry.get(schema)?.["maximum"] !== undefined) return true;
  return schema instanceof z.ZodOptional && namesMaximum(schema.unwrap());
}

/** A value or null is one schema with two types: Redoc takes alternatives beside a schema's own keywords for contradictions. */
function joinNull(schema: z.core.JSONSchema.BaseSchema): void {
  const [value, other, ...more] = schema.anyOf ?? [];
  if (value === undefined || other?.type !== "null" || more.length > 0) return;
  if (typeof value.type !== "string" || value.enum !== undefined) return;
  delete schema.anyOf;
  Object.assign(schema, { ...value, ...schema, type: [value.type, "null"] });
}

function withoutAddress({ $schema: _dialect, $id: _address, ...schema }: z.core.JSONSchema.BaseSchema): JsonSchema {
  return schema;
}
