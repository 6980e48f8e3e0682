import { expect, test } from "vitest";
import { makeRealityKeys, makeShortId, realityPublicKey } from "./reality-keys.ts";

test("a key pair is 32 raw bytes each in base64url, and its halves belong together", () => {
  const { privateKey, publicKey } = makeRealityKeys();
  expect(privateKey).toMatch(/^[\w-]{43}$/);
  expect(realityPublicKey(privateKey)).toBe(publicKey);
  expect(makeRealityKeys().privateKey).not.toBe(privateKey);
});

test("the public key is that of RFC 7748, section 6.1", () => {
  const raw = (hex: string) => Buffer.from(hex, "hex").toString("base64url");
  const alicePrivate = raw("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const alicePublic = raw("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  expect(realityPublicKey(alicePrivate)).toBe(alicePublic);
});

test.each(["", "abc", "A".repeat(44), "+".repeat(43), `${"A".repeat(42)}B`])("%j is no private key", (text) => {
  expect(() => realityPublicKey(text)).toThrow(RangeError);
});

test("a short id is 8 hexadecimal digits", () => {
  expect(makeShortId()).toMatch(/^[0-9a-f]{8}$/);
});
