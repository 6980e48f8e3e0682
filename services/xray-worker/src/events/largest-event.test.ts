import { endpoints, InvalidRequestError, parseRequest } from "@veil/http-contract";
import { type DeviceEvent, firstTerms, type KeyHistory, type KeyTerms } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { expect, test } from "vitest";
import { loggedEvents } from "../webhooks/logged-events.ts";
import { LARGEST_BODY_BYTES } from "../webhooks/webhook-sender.ts";
import { keyEvents } from "./key-events.ts";

const KEY_ID = 999_999_999_999_999;
const AT = 4_000_000_000;
const REVISION = 1e15;

/** As much text as a caller may give a key, each character of as many bytes as it can have. */
function largest(letter: string, firstGroup: number, more = "") {
  const body = {
    name: letter.repeat(255) + more,
    external_id: letter.repeat(128),
    tag: letter.repeat(64),
    note: letter.repeat(1_000),
    // Their length is counted in units of UTF-16, of which three bytes are the most.
    groups: Array.from({ length: 64 }, (_, index) => String.fromCharCode(firstGroup + index).repeat(64)),
  };
  const params = { key_id: String(KEY_ID) };
  return parseRequest(endpoints.updateKey, { params, body }).body;
}

test("the largest event of a key fits into what a webhook sends", async () => {
  const [now, before] = [largest("\u{10348}", 0x90_00), largest("\u{10349}", 0x91_00)];
  expect(() => largest("\u{10348}", 0x90_00, "x")).toThrow(InvalidRequestError);
  const actor = {
    name: "\u{10348}".repeat(64),
    address: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    requestId: "r".repeat(128),
  };
  const termsOf = ({ external_id: externalId = null, tag = null, note = null, groups }: typeof now): KeyTerms => ({
    ...firstTerms({}, { createdAt: AT, nextResetAt: AT }),
    ...{ revision: REVISION, expiresAt: AT, trafficLimit: REVISION, deviceLimit: 1_000 },
    ...{ externalId, tag, note, groups: groups ?? [] },
  });
  const wasTerms = { ...termsOf(before), revision: REVISION - 1, trafficLimit: 1, enabled: false };
  const { store } = inMemoryLifecycle();
  plant(store, [], { phase: "active" });
  const planted = store.historyOf(1) ?? expect.fail("there is no key");
  const revoked = {
    id: `${KEY_ID}-${REVISION}-zzzzzzzzz-1`,
    type: "key.revoked",
    details: { link: true, credentials: true },
  } as const;
  const history: KeyHistory = {
    ...planted,
    key: { ...planted.key, keyId: KEY_ID, createdAt: AT, name: now.name ?? null, terms: termsOf(now) },
    steps: [{ at: AT, actor, was: { name: before.name ?? null, terms: wasTerms }, events: [revoked] }],
  };
  const label = "\u{10348}".repeat(64);
  const seen = { id: "f".repeat(32), os: label, osVersion: label, model: label, userAgent: label };
  const device: DeviceEvent = {
    id: `${KEY_ID}-added-1-${seen.id}`,
    type: "key.device_added",
    at: AT,
    requestId: actor.requestId,
    revision: REVISION,
    device: { ...seen, firstSeenAt: AT, lastSeenAt: AT },
  };
  const outbox = keyEvents({
    outbox: { histories: async () => [history], mark: async () => undefined, unrelayed: async function* none() {} },
    devices: {
      unlogged: async () => new Map([[KEY_ID, [device]]]),
      mark: async () => undefined,
      unrelayed: async function* none() {},
    },
    trafficOf: async () => new Map(),
    shortId: "0123456789abcdef",
    onUnreadable: (_, error) => expect.fail(String(error)),
  });
  const events = await outbox.pending([`devices:${KEY_ID}`]);
  expect(events.map(({ type }) => type)).toEqual(["key.revoked", "key.device_added"]);
  const logged = events.map((event, index) => ({ ...event, seq: Number.MAX_SAFE_INTEGER - index }));
  const sent = await loggedEvents({ read: async () => logged, checkpoint: async () => 0 }).after(0, 2);
  const bytes = sent.map(({ body }) => Buffer.byteLength(body));
  expect(Math.max(...bytes)).toBeGreaterThan(35_000);
  expect(Math.max(...bytes)).toBeLessThan(LARGEST_BODY_BYTES);
});
