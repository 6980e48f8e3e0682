import { type Actor, unnamedActor } from "@veil/events";
import type { BatchChange, KeyChange } from "@veil/keys";
import { z } from "zod";
import { keyName } from "./key-codec.ts";
import { chosenTerms } from "./terms-codec.ts";

const changeWire = z.object({
  set: chosenTerms,
  name: keyName.exactOptional(),
  extend_seconds: z.number().int().exactOptional(),
  reset_traffic: z.boolean().exactOptional(),
  reset_devices: z.boolean().exactOptional(),
  revoke_link: z.boolean().exactOptional(),
  revoke_credentials: z.boolean().exactOptional(),
  /** Workers that do not know it count what the ledger says all the same, and report nothing. */
  has_ledger_reset: z.boolean().exactOptional(),
});

/** A change of a key: snake_case in Redis, the domain's change on both sides of it. */
export const keyChange = z.codec(changeWire, z.custom<KeyChange>(), {
  decode: ({ set, name, extend_seconds, ...acts }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extend_seconds !== undefined && { extendSeconds: extend_seconds }),
    resetTraffic: acts.reset_traffic ?? false,
    resetDevices: acts.reset_devices ?? false,
    revokeLink: acts.revoke_link ?? false,
    revokeCredentials: acts.revoke_credentials ?? false,
    hasLedgerReset: acts.has_ledger_reset ?? false,
  }),
  encode: ({
    set = {},
    name,
    extendSeconds,
    resetTraffic,
    resetDevices,
    revokeLink,
    revokeCredentials,
    hasLedgerReset,
  }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extendSeconds !== undefined && { extend_seconds: extendSeconds }),
    ...(resetTraffic === true && { reset_traffic: true }),
    ...(resetDevices === true && { reset_devices: true }),
    ...(revokeLink === true && { revoke_link: true }),
    ...(revokeCredentials === true && { revoke_credentials: true }),
    ...(hasLedgerReset === true && { has_ledger_reset: true }),
  }),
});

const actorWire = z.object({ name: z.string(), address: z.string().nullable(), request_id: z.string().nullable() });
/** Beside what older workers read of it: they drop the rest. */
const batchActorWire = z.object({ actor: actorWire.optional() });

/** The change that a batch makes to each of its keys, and its actor, as stored with the batch. */
export function encodeBatchChange({ change, actor }: BatchChange): string {
  const { name, address, requestId: request_id } = actor;
  return JSON.stringify({ ...keyChange.encode(change), actor: { name, address, request_id } });
}

/** One that an older worker stored names nobody. @throws {z.ZodError} when it makes no sense */
export function decodeBatchChange(stored: string): BatchChange {
  const parsed: unknown = JSON.parse(stored);
  return { change: keyChange.parse(parsed), actor: batchActor(batchActorWire.parse(parsed).actor) };
}

function batchActor(wire: z.output<typeof actorWire> | undefined): Actor {
  if (wire === undefined) return unnamedActor(null);
  return { name: wire.name, address: wire.address, requestId: wire.request_id };
}
