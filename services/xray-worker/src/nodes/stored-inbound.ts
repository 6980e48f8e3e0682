import { inboundDefinitionSchema, inboundUserSchema } from "@veil/xray-grpc";
import { z } from "zod";

const storedInbound = z.object({ definition: inboundDefinitionSchema, foreign: z.array(inboundUserSchema).readonly() });

/** How an inbound was made, and the users in it that are not ours, as it is stored while somebody else may remove it. */
export type StoredInbound = z.infer<typeof storedInbound>;

/** @returns null for a text that makes no sense */
export function readStoredInbound(text: string): StoredInbound | null {
  try {
    return storedInbound.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
