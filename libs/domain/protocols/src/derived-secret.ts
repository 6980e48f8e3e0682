// oxlint-disable-next-line no-restricted-imports -- hashing is arithmetic: it reaches nothing outside
import { createHash } from "node:crypto";

/**
 * A key's password where a protocol wants one in place of its UUID: it follows from the UUID, so that a revoked key has
 * other ones, and does not lead back to it, so that a person who sees one place's password gets into no other.
 *
 * @param purpose what it is for: for each another one
 * @param bytes of it, at most 32
 */
export function derivedSecret(uuid: string, purpose: string, bytes: number): Buffer {
  return createHash("sha256").update(`veil ${purpose}\n${uuid}`).digest().subarray(0, bytes);
}
