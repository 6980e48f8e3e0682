import type { KeyBody } from "@veil/http-contract";
import type { KeyFacts } from "../ports.ts";

/** A key as callers see it. Keys that are not active are never shown. */
export function keyBody({ keyId, uuid, name, createdAt }: KeyFacts, shortId: string): KeyBody {
  return { key_id: keyId, uuid, short_id: shortId, name, created_at: createdAt, is_active: true };
}
