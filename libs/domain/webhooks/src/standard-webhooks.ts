// oxlint-disable-next-line no-restricted-imports -- a signature is arithmetic: it reaches nothing outside
import { createHmac } from "node:crypto";

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
