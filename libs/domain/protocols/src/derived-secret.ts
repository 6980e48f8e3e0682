// oxlint-disable-next-line no-restricted-imports -- hashing is arithmetic: it reaches nothing outside
import { createHash } from "node:crypto";

/**
 * What a key has in place of its UUID where a protocol wants a password: it follows from the UUID, so that a key that is revoked
 * has other ones, and does not lead back to it, so that who sees one place's password gets into no other.
 *
 * @param purpose what it is for: for each another one
 * @param bytes of it, at most 32
 */
export function derivedSecret(uuid: string, purpose: string, bytes: number): Buffer {
  return createHash("sha256").update(`veil ${purpose}\n${uuid}`).digest().subarray(0, bytes);
}
