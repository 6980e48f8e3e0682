import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { z } from "zod";

/** An x25519 key pair of REALITY, both raw 32 bytes in base64url without padding, as Xray writes them. */
export interface RealityKeys {
  privateKey: string;
  publicKey: string;
}

const publicHalfSchema = z.object({ x: z.string() });
const rawPairSchema = z.object({ d: z.string(), x: z.string() });

/** Makes the same keys as `xray x25519`. */
export function makeRealityKeys(): RealityKeys {
  const { privateKey } = generateKeyPairSync("x25519");
  const { d, x } = rawPairSchema.parse(privateKey.export({ format: "jwk" }));
  return { privateKey: d, publicKey: x };
}

/**
 * The public key that belongs to a private one.
 *
 * @throws {RangeError} when it is not 32 bytes in base64url.
 */
export function realityPublicKey(privateKey: string): string {
  const raw = Buffer.from(privateKey, "base64url");
  if (raw.length !== 32 || raw.toString("base64url") !== privateKey) {
    throw new RangeError("a REALITY private key is 32 bytes in base64url, 43 characters");
  }
  const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex"); // RFC 8410, section 7
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, raw]), format: "der", type: "pkcs8" });
  return publicHalfSchema.parse(createPublicKey(key).export({ format: "jwk" })).x;
}

/** A short id as links carry it: 8 hexadecimal digits. Xray allows up to 16, an even number of them. */
export function makeShortId(): string {
  return randomBytes(4).toString("hex");
}
