import { randomUUID } from "node:crypto";
import {
  type Creation,
  type Decision,
  firstTerms,
  type KeyRecord,
  type KeyStore,
  olderSubscriptionToken,
  UNKNOWN_NOTICED,
} from "../src/index.ts";

/** The request of a create job. */
export function creationRequest(overrides: Partial<Creation> = {}): Omit<Creation, "keyId"> {
  return {
    job: `create-${randomUUID()}`,
    uuid: randomUUID(),
    flow: "",
    name: null,
    owner: null,
    createdAt: 1_703_520_000,
    deadline: Date.now() + 8_000,
    ...overrides,
  };
}

/** A claim without a decision. */
export async function claimKey(store: KeyStore, overrides: Partial<Creation> = {}): Promise<Creation> {
  const claimed = await store.claim(creationRequest(overrides));
  if (claimed === null) throw new Error("nothing was claimed");
  return claimed;
}

/** Decides about a claim as its create job does, unless overridden. */
export function decisionOf(creation: Creation, overrides: Partial<Decision> = {}): Decision {
  return { ...creation, phase: "active", indeterminate: [], ...overrides };
}

export async function activeKey(store: KeyStore, overrides: Partial<Creation> = {}): Promise<KeyRecord> {
  return store.decide(decisionOf(await claimKey(store, overrides)));
}

export async function goneKey(store: KeyStore): Promise<KeyRecord> {
  const key = await activeKey(store);
  await store.beginDeletion(key.keyId, "delete-a");
  await store.finishDeletion(key.keyId);
  return key;
}

/** The fields, beside its attributes, of a key that nobody has changed. */
export function unchanged({
  keyId,
  uuid,
  createdAt,
}: Pick<KeyRecord, "keyId" | "uuid" | "createdAt">): Pick<
  KeyRecord,
  "token" | "terms" | "changedBy" | "changedAt" | "outbox"
> {
  return {
    token: olderSubscriptionToken(keyId, uuid),
    terms: { ...firstTerms({}, { createdAt, nextResetAt: null }), noticed: UNKNOWN_NOTICED },
    changedBy: [],
    changedAt: [],
    outbox: [],
  };
}

export function idsOf(keys: readonly { readonly keyId: number }[]): number[] {
  return keys.map(({ keyId }) => keyId);
}
