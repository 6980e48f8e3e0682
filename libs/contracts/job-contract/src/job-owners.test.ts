import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jobDefinition, type JobName } from "./job-catalogue.ts";

const stamp = { deadline: 1, request_id: "r" };
const NOT_ABOUT_CALLERS_KEYS = null;

/** Each job as services wrote it that knew no owners; null for those that are about no key of a caller, or change none. */
const withoutOwner: { readonly [N in JobName]: object | typeof NOT_ABOUT_CALLERS_KEYS } = {
  "create-key": { key: { name: "a", terms: {} }, name: "a", ...stamp },
  "create-keys": { keys: [{ name: "a", terms: {} }], names: ["a"], ...stamp },
  "cancel-creation": NOT_ABOUT_CALLERS_KEYS,
  "cancel-creations": NOT_ABOUT_CALLERS_KEYS,
  "delete-key": { key_id: 1, ...stamp },
  "delete-keys": { key_ids: [1], ...stamp },
  "change-key": { key_id: 1, change: { set: {} }, if_revision: null, ...stamp },
  "put-key": { external_id: "tg-1", terms: {}, ...stamp },
  "update-keys": { keys: { filter: { external_id: "tg-1" } }, change: { set: {} }, ...stamp },
  "create-token": NOT_ABOUT_CALLERS_KEYS,
  "change-token": NOT_ABOUT_CALLERS_KEYS,
  "delete-token": NOT_ABOUT_CALLERS_KEYS,
  "register-device": NOT_ABOUT_CALLERS_KEYS,
  "forget-devices": { key_id: 1, device_id: null, ...stamp },
  "create-webhook": NOT_ABOUT_CALLERS_KEYS,
  "change-webhook": NOT_ABOUT_CALLERS_KEYS,
  "delete-webhook": NOT_ABOUT_CALLERS_KEYS,
  "test-webhook": NOT_ABOUT_CALLERS_KEYS,
  "deliver-events": NOT_ABOUT_CALLERS_KEYS,
  "repeat-delivery": NOT_ABOUT_CALLERS_KEYS,
  "create-node": NOT_ABOUT_CALLERS_KEYS,
  "change-node": NOT_ABOUT_CALLERS_KEYS,
  "drain-node": NOT_ABOUT_CALLERS_KEYS,
  "delete-node": NOT_ABOUT_CALLERS_KEYS,
  "put-host": NOT_ABOUT_CALLERS_KEYS,
  "change-host": NOT_ABOUT_CALLERS_KEYS,
  "delete-host": NOT_ABOUT_CALLERS_KEYS,
  "read-node": NOT_ABOUT_CALLERS_KEYS,
  "read-online": NOT_ABOUT_CALLERS_KEYS,
  "count-online": stamp,
  "refresh-traffic": NOT_ABOUT_CALLERS_KEYS,
  "reset-traffic": { key_id: 1, ...stamp },
  "sync-traffic": { request_id: "r" },
};

/** Whose keys a payload is about, as its handler reads it. */
function ownersIn(payload: unknown): unknown[] {
  const { owner, key, keys } = z.looseObject({ owner: z.any(), key: z.any(), keys: z.any() }).partial().parse(payload);
  if (owner !== undefined) return [owner];
  return [key, ...(Array.isArray(keys) ? keys : [])].flatMap((one) => (one === undefined ? [] : [one.owner]));
}

describe.each(Object.entries(withoutOwner).filter(([, payload]) => payload !== null))("%s", (name, payload) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are those of the record above
  const schema: z.ZodType = jobDefinition(name as JobName).payload;

  it("of a service that knows no owners is about everybody's keys, and what it makes is nobody's", () => {
    expect(ownersIn(schema.parse(payload))).toEqual([null]);
  });

  it("says whose keys it is about, on both sides of the queue", () => {
    const parsed = z.looseObject({}).parse(schema.parse(payload));
    const own = withOwner(parsed);
    const wire: unknown = JSON.parse(JSON.stringify(z.encode(schema, own)));
    expect(ownersIn(schema.parse(wire))).toEqual(["shop"]);
  });
});

function withOwner(payload: Record<string, unknown>): Record<string, unknown> {
  if ("owner" in payload) return { ...payload, owner: "shop" };
  const ownOf = (key: unknown) => ({ ...z.looseObject({}).parse(key), owner: "shop" });
  if ("key" in payload) return { ...payload, key: ownOf(payload["key"]) };
  return { ...payload, keys: z.array(z.unknown()).parse(payload["keys"]).map(ownOf) };
}
