import { randomUUID } from "node:crypto";
import { SYSTEM, type VeilEvent } from "../src/index.ts";

/** An event of which nothing matters but what a test says. */
export function someEvent(attributes: Partial<VeilEvent> = {}): VeilEvent {
  return {
    id: randomUUID(),
    type: "key.updated",
    at: 1_703_520_000,
    actor: SYSTEM,
    subject: "key:1",
    keyId: 1,
    owner: null,
    data: { key: { key_id: 1 } },
    ...attributes,
  };
}
