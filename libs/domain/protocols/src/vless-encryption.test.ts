import { expect, it } from "vitest";
import { LONGEST_VLESS_ENCRYPTION, VLESS_ENCRYPTION } from "./vless-encryption.ts";

const X25519 = Buffer.alloc(32, 1).toString("base64url");
const ML_KEM = Buffer.alloc(1_184, 1).toString("base64url");
const PADDING = "100-111-1111.75-0-111.50-0-3333";

it.each([
  `mlkem768x25519plus.native.0rtt.${X25519}`,
  `mlkem768x25519plus.random.1rtt.${PADDING}.${ML_KEM}`,
  `mlkem768x25519plus.xorpub.0rtt.${X25519}.${X25519}`,
])("is what clients name: %s", (text) => {
  expect(text).toMatch(VLESS_ENCRYPTION);
  expect(text.length).toBeLessThan(LONGEST_VLESS_ENCRYPTION);
});

it.each([
  "none",
  "mlkem768x25519plus.native.0rtt",
  `mlkem768x25519plus.native.600s.${X25519}`,
  `mlkem768x25519plus.native.0rtt.${Buffer.alloc(64, 1).toString("base64url")}`,
  `mlkem768x25519plus.native.0rtt.${X25519}.${PADDING}`,
  `mlkem768x25519plus.other.0rtt.${X25519}`,
])("is nothing else, least of all what the server keeps to itself: %s", (text) => {
  expect(text).not.toMatch(VLESS_ENCRYPTION);
});
