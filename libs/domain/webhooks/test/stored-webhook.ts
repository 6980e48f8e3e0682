import { randomUUID } from "node:crypto";
import type { Webhook } from "../src/index.ts";

/** A webhook of which nothing matters but what a test says. */
export function storedWebhook(attributes: Partial<Webhook> = {}): Webhook {
  return {
    id: `wh_${randomUUID()}`,
    url: "https://bot.example.com/veil",
    types: ["*"],
    owner: null,
    sealedSecret: "v1.sealed",
    enabled: true,
    disabledReason: null,
    enabledAt: 0,
    fromSeq: 0,
    createdAt: 1_703_520_000,
    revision: 1,
    jobs: [],
    ...attributes,
  };
}
