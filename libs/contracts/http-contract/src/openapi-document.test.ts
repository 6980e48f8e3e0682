import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Endpoint, isWrite } from "./endpoint.ts";
import { endpoints, type OperationId, operationIds } from "./endpoint-catalogue.ts";
import { errorBodySchema } from "./openapi-responses.ts";
import { openApiDocument } from "./openapi-document.ts";

const media = z.looseObject({
  schema: z.looseObject({}),
  example: z.unknown().optional(),
  examples: z
    .record(z.string(), z.strictObject({ summary: z.string().regex(/^[^`]+$/), value: z.unknown() }))
    .optional(),
});
const response = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.strictObject({ $ref: z.string() })),
  content: z.record(z.string(), media).default({}),
});
const operation = z.strictObject({
  operationId: z.string(),
  tags: z.array(z.string()).length(1),
  summary: z.string().min(1),
  description: z.string().min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.enum(["path", "query", "header"]), required: z.boolean() }))
    .optional(),
  requestBody: z.looseObject({ required: z.boolean(), content: z.record(z.string(), media) }).optional(),
  responses: z.record(z.string(), response),
});
const documentSchema = z.looseObject({
  openapi: z.literal("3.1.0"),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(z.string().startsWith("/"), z.record(z.string(), operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

const json = JSON.stringify(openApiDocument("1.2.3"));
const documentedIds = operationIds.filter((id) => endpoints[id].tag !== "Documentation");
const document = documentSchema.parse(JSON.parse(json));

function operationOf(id: OperationId): z.infer<typeof operation> {
  const { path, method } = endpoints[id];
  return operation.parse(document.paths[path]?.[method]);
}

describe("openApiDocument", () => {
  it("holds exactly the operations of the catalogue that a client calls", () => {
    const documented = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(documented.map(({ operationId }) => operationId).toSorted()).toEqual(documentedIds.toSorted());
    expect(document.info.version).toBe("1.2.3");
  });

  it("resolves every reference", () => {
    const references = [...json.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const found = reference.slice(2).split("/").reduce<unknown>(childOf, document);
      expect([reference, typeof found]).toEqual([reference, "object"]);
    }
  });

  it("gives every parameter one type: Swagger UI sends no other, and generated clients can't pass it", () => {
    const parameters = documentedIds.flatMap((id) => operationOf(id).parameters ?? []);
    const schemas = parameters.map(({ schema }) => z.looseObject({ type: z.unknown() }).parse(schema));
    expect(schemas.filter(({ type }) => typeof type !== "string")).toEqual([]);
  });

  it("gives schemas names and fields that no generator for Go makes a function of", () => {
    const { schemas } = document.components;
    const constructors = Object.keys(schemas).filter((name) => name.slice("New".length) in schemas);
    expect(constructors.filter((name) => name.startsWith("New"))).toEqual([]);
    const open = z.looseObject({
      additionalProperties: z.literal(true),
      properties: z.record(z.string(), z.unknown()),
    });
    const accessors = [...nodesOf(schemas)].flatMap((node) => {
      const { data } = open.safeParse(node);
      return Object.keys(data?.properties ?? {}).filter((name) => /^[gs]et$/i.test(name));
    });
    expect(accessors).toEqual([]);
  });

  it("writes patterns that PHP, Go and Python read as JavaScript does", () => {
    const patterns = [...json.matchAll(/"pattern":("[^"]*")/g)].map(([, text = ""]) =>
      z.string().parse(JSON.parse(text)),
    );
    expect(patterns.length).toBeGreaterThan(5);
    expect(patterns.filter((pattern) => /\\[upk]|\(\?|[^\x20-\x7e]/.test(pattern))).toEqual([]);
  });

  it("names no tag that it does not describe", () => {
    const described = document.tags.map(({ name }) => name);
    for (const id of documentedIds) expect(described).toContain(endpoints[id].tag);
  });
});

describe.each(documentedIds)("openApiDocument: %s", (id) => {
  const endpoint: Endpoint = endpoints[id];
  const documented = operationOf(id);

  it("declares the parameters of its path", () => {
    const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const inQuery = endpoint.query === undefined ? [] : Object.keys(endpoint.query.shape);
    const isRefused = endpoint.errors.some(({ status }) => status === 412);
    const inHeader = isWrite(endpoint)
      ? ["Idempotency-Key", "Prefer", ...(isRefused ? ["If-Match"] : [])]
      : endpoint.auth === "bearer"
        ? ["If-None-Match"]
        : [];
    expect((documented.parameters ?? []).map(({ name, in: place, required }) => [name, place, required])).toEqual([
      ...inPath.map((name) => [name, "path", true]),
      ...inQuery.map((name) => [name, "query", false]),
      ...inHeader.map((name) => [name, "header", false]),
    ]);
  });

  it("gives an example of success that fits its schema", () => {
    const { example, schema, contentType } = endpoint.success;
    expect(contentType !== "application/json" || schema.safeParse(example).success).toBe(true);
    expect(documented.responses[String(endpoint.success.status ?? 200)]?.content[contentType]?.example).toEqual(
      example,
    );
  });

  it("gives examples of its body that fit its schema", () => {
    for (const { value } of Object.values(endpoint.body?.examples ?? {})) {
      expect(endpoint.body?.schema.safeParse(value)).toMatchObject({ success: true });
    }
    expect(documented.requestBody?.content["application/json"]?.examples).toEqual(endpoint.body?.examples);
  });

  it("gives an example of every error", () => {
    const statuses = new Set(endpoint.errors.map(({ status }) => String(status)));
    expect(new Set(Object.keys(documented.responses))).toEqual(
      new Set([
        String(endpoint.success.status ?? 200),
        ...(isWrite(endpoint) ? ["202"] : endpoint.auth === "bearer" ? ["304"] : []),
        ...statuses,
      ]),
    );
    for (const { status, name, detail } of endpoint.errors) {
      const example = documented.responses[status]?.content["application/json"]?.examples?.[name]?.value;
      expect(errorBodySchema.parse(example)).toEqual({ detail });
    }
    const names = endpoint.errors.map(({ status, name }) => `${status} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("says which headers every answer has", () => {
    for (const [status, { headers }] of Object.entries(documented.responses)) {
      expect(headers).toHaveProperty("X-Request-Id");
      expect([status, "WWW-Authenticate" in headers]).toEqual([status, status === "401"]);
      expect([status, "Retry-After" in headers]).toEqual([status, ["202", "429", "503"].includes(status)]);
      for (const header of ["Location", "Preference-Applied"]) {
        const isAlwaysQueued = endpoint.success.status === 202 && header === "Preference-Applied";
        expect([status, header in headers]).toEqual([status, status === "202" && !isAlwaysQueued]);
      }
    }
  });

  it("asks for a token exactly under /api, and says which scope it needs", () => {
    const scope = endpoint.auth === "bearer" ? endpoint.scope : null;
    expect(documented.security).toEqual(endpoint.path.startsWith("/api/") ? [{ bearer: [scope] }] : []);
    if (scope !== null) expect(documented.description).toContain(`Needs the scope \`${scope}\`.`);
  });
});

function childOf(node: unknown, name: string): unknown {
  return z.record(z.string(), z.unknown()).parse(node)[name];
}

/** A document and every part of it. */
function* nodesOf(node: unknown): Generator {
  yield node;
  if (typeof node !== "object" || node === null) return;
  for (const child of Object.values(node)) yield* nodesOf(child);
}
