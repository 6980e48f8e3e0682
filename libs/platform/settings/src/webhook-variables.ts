import { hash } from "node:crypto";
import { booleanFlag } from "@veil/runtime";
import { z } from "zod";

const SHORTEST_SECRET = 32;

/** The variables of whoever makes webhooks and of whoever delivers to them. */
export const webhookVariables = {
  /** The key, of 32 bytes, that seals secrets of webhooks; without it none can be made, and nothing is delivered. */
  WEBHOOK_SECRET_KEY: z
    .string()
    .min(SHORTEST_SECRET, `must have at least ${SHORTEST_SECRET} characters`)
    .transform((text): Uint8Array => hash("sha256", text, "buffer"))
    .optional()
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** Whether webhooks may call private and loopback addresses. */
  WEBHOOK_ALLOW_PRIVATE: booleanFlag().default(false),
};
