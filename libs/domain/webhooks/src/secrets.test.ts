import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, it } from "vitest";
import {
  openSecret,
  SEAL_NONCE_BYTES,
  SealBrokenError,
  SEALING_KEY_BYTES,
  sealSecret,
  SECRET_BYTES,
  secretText,
  signedHeaders,
} from "./secrets.ts";

const key = randomBytes(SEALING_KEY_BYTES);
const secret = secretText(randomBytes(SECRET_BYTES));
const sealed = () => sealSecret(secret, "wh_1", key, randomBytes(SEAL_NONCE_BYTES));

it("signs as the reference implementation verifies", () => {
  const body = '{"id":"evt_1","type":"key.created","note":"ключ"}';
  const headers = signedHeaders({ id: "evt_1", body }, secret, Date.now());
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(new Webhook(secret).verify(body, { ...headers })).toEqual(JSON.parse(body));
  expect(() => new Webhook(secret).verify(body.replace("evt_1", "evt_2"), { ...headers })).toThrow();
  expect(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "evt_2" })).toThrow();
  expect(() => new Webhook(secretText(randomBytes(SECRET_BYTES))).verify(body, { ...headers })).toThrow();
});

it("opens what it sealed, for the same webhook and with the same key", () => {
  expect(openSecret(sealed(), "wh_1", key)).toBe(secret);
  expect(sealed()).not.toContain(secret.slice(10, 20));
  expect(() => openSecret(sealed(), "wh_2", key)).toThrow(SealBrokenError);
  expect(() => openSecret(sealed(), "wh_1", randomBytes(SEALING_KEY_BYTES))).toThrow(SealBrokenError);
});

it.each(["", "v1.", "v1.AAAA", "v2.AAAA", "plain"])("opens nothing from %j", (text) => {
  expect(() => openSecret(text, "wh_1", key)).toThrow(SealBrokenError);
});
