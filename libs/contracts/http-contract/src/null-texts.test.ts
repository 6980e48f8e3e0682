import { expect, test } from "vitest";
import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";
import { endpoints, operationIds } from "./endpoint-catalogue.ts";

const bodies = operationIds.flatMap((id) => {
  const schema: unknown = (endpoints[id] as Endpoint).body?.schema;
  return schema instanceof z.ZodObject ? [{ id, schema }] : [];
});

test.for(bodies)("$id says of no field that it may be null where null is refused", ({ schema }) => {
  const nulls = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, null]));
  const refusals = (schema.safeParse(nulls).error?.issues ?? []).map(({ message }) => message);
  expect(refusals.filter((text) => text.endsWith("or null"))).toEqual([]);
});

test("the bodies are those of most writes", () => {
  expect(bodies.length).toBeGreaterThan(10);
});
