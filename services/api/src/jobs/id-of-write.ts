import { createHash } from "node:crypto";
import { writeOf } from "@veil/idempotency";

const DIGITS = 20;

/**
 * The id, 20 hexadecimal digits, of what the write of a job makes. It follows from the write, so that each attempt finds what another
 * one has made, and no two can make it.
 */
export function idOfWrite(job: string): string {
  return createHash("sha256").update(writeOf(job)).digest("hex").slice(0, DIGITS);
}
