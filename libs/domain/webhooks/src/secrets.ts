// oxlint-disable-next-line no-restricted-imports -- ciphers and MACs are arithmetic: they reach nothing outside
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";

/** Bytes of the key that secrets are sealed with. */
export const SEALING_KEY_BYTES = 32;
/** Bytes of randomness that each seal needs: the nonce of AES-GCM. */
export const SEAL_NONCE_BYTES = 12;

const VERSION = "v1";
const TAG_BYTES = 16;

/** Thrown when a sealed secret can't be opened: the key is another one, or somebody changed it. */
export class SealBrokenError extends Error {
  override readonly name = "SealBrokenError";
}

/**
 * Seals a webhook's secret with AES-256-GCM, for the webhook alone: moved to another one it can't be opened.
 *
 * @param nonce {@link SEAL_NONCE_BYTES} random bytes, never the same twice
 */
export function sealSecret(secret: string, webhookId: string, key: Uint8Array, nonce: Uint8Array): string {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(webhookId));
  const sealed = Buffer.concat([nonce, cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${sealed.toString("base64url")}`;
}

/** Opens what {@link sealSecret} sealed. @throws {SealBrokenError} when it can't be opened */
export function openSecret(sealed: string, webhookId: string, key: Uint8Array): string {
  const [version, text = ""] = sealed.split(".");
  const bytes = Buffer.from(text, "base64url");
  if (version !== VERSION || bytes.length < SEAL_NONCE_BYTES + TAG_BYTES) throw new SealBrokenError("unknown form");
  const nonce = bytes.subarray(0, SEAL_NONCE_BYTES);
  const end = bytes.length - TAG_BYTES;
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(webhookId))
      .setAuthTag(bytes.subarray(end));
    return Buffer.concat([cipher.update(bytes.subarray(SEAL_NONCE_BYTES, end)), cipher.final()]).toString("utf8");
  } catch (error) {
    throw new SealBrokenError("the secret can't be opened with this key", { cause: error });
  }
}

/** Bytes of a secret: Standard Webhooks asks for 24 to 64. */
export const SECRET_BYTES = 32;

const PREFIX = "whsec_";

/** A secret as its receiver gets it. @param bytes {@link SECRET_BYTES} random bytes */
export function secretText(bytes: Uint8Array): string {
  return PREFIX + Buffer.from(bytes).toString("base64");
}

/** The headers of one delivery, lower case. */
export interface SignedHeaders {
  readonly "webhook-id": string;
  /** Unix seconds of this attempt. */
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/**
 * Signs a delivery as Standard Webhooks says: HMAC-SHA256 over id, time and body, so that none of them can be changed or
 * replayed later.
 *
 * @param secret as {@link secretText} gives it @param now milliseconds since the epoch
 */
export function signedHeaders(
  { id, body }: { readonly id: string; readonly body: string },
  secret: string,
  now: number,
): SignedHeaders {
  const timestamp = String(Math.floor(now / 1_000));
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
