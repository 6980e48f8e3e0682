import { isEventType } from "@veil/events";
import {
  type Creation,
  type HandledKey,
  type KeyPhase,
  type KeyRecord,
  type KeyStep,
  olderSubscriptionToken,
} from "@veil/keys";
import type { VlessFlow } from "@veil/protocols";
import { Schema } from "mongoose";
import type { HandsOfMany } from "./hands-of-many.ts";
import type { CreationDocument, KeyDocument } from "./key-codecs.ts";
import { type StepDocument, toStep } from "./step-documents.ts";
import { termsOf } from "./terms-documents.ts";

const phaseNumbers = { active: 1, deleting: 2, gone: 3 } as const satisfies Record<KeyPhase, KeyDocument["phase"]>;
const phases = { 1: "active", 2: "deleting", 3: "gone" } as const satisfies Record<KeyDocument["phase"], KeyPhase>;

/** The stored number of a phase; later phases have greater ones, so that `$max` only ever raises it. */
export function phaseNumber(phase: KeyPhase): KeyDocument["phase"] {
  return phaseNumbers[phase];
}

/** Matches the documents of keys that callers may see; what `isVisible` of the domain says of their records. */
export const visibleFilter = { phase: phaseNumbers.active } as const;

export const deletedPhases: readonly KeyDocument["phase"][] = [phaseNumbers.deleting, phaseNumbers.gone];

/** Matches the documents of all other keys, also of those whose phase makes no sense. */
export const keptFilter = { phase: { $nin: [...deletedPhases] } };

const common = { strict: "throw", versionKey: false, autoIndex: false, autoCreate: false } as const;

export const creationSchema = new Schema<CreationDocument>(
  {
    _id: { type: String, required: true },
    key_id: { type: Number, default: null },
    uuid: { type: String, default: null },
    flow: String,
    name: { type: String, default: null },
    owner: String,
    created_at: { type: Number, required: true },
    deadline: { type: Number, required: true },
    groups: { type: [String], default: undefined },
    decided: { type: Boolean, required: true },
  },
  { ...common, collection: "creations" },
);
creationSchema.index({ decided: 1, deadline: 1 });

export const keySchema = new Schema<KeyDocument>(
  {
    _id: { type: String, required: true },
    key_id: { type: Number, required: true },
    uuid: { type: String, required: true },
    flow: String,
    name: { type: String, default: null },
    owner: String,
    created_at: { type: Number, required: true },
    job: { type: String, required: true },
    phase: { type: Number, required: true },
    activated: { type: Boolean, required: true },
    cancelled: Boolean,
    deleters: { type: [String], default: undefined },
    unsure: { type: Schema.Types.Mixed, default: undefined },
    hands: { type: Schema.Types.Mixed, default: undefined },
    clear: { type: Schema.Types.Mixed, default: undefined },
    gone_at: Number,
    token: String,
    terms: { type: Schema.Types.Mixed, default: undefined },
    endings: { type: [Schema.Types.Mixed], default: undefined },
    relayed: { type: Schema.Types.Mixed, default: undefined },
    is_end_logged: Boolean,
  },
  { ...common, collection: "keys" },
);
keySchema.index({ phase: 1, key_id: 1 });
keySchema.index({ uuid: 1 }, { unique: true });
keySchema.index({ "terms.uuid": 1 });
keySchema.index({ phase: 1, name: 1, key_id: 1 });
keySchema.index({ phase: 1, "terms.tag": 1, key_id: 1 });
keySchema.index({ phase: 1, "terms.groups": 1, key_id: 1 });
keySchema.index({ phase: 1, "terms.ends_at": 1 });
keySchema.index({ phase: 1, owner: 1, key_id: 1 });

/** @param olderFlow the flow of a document that names none */
export function toCreation(document: CreationDocument, olderFlow: VlessFlow): Creation | null {
  if (document.key_id === null || document.uuid === null) return null;
  return {
    job: document._id,
    keyId: document.key_id,
    uuid: document.uuid,
    flow: document.flow ?? olderFlow,
    name: document.name,
    owner: document.owner ?? null,
    createdAt: document.created_at,
    deadline: document.deadline,
    ...(document.groups !== undefined && { groups: document.groups }),
  };
}

/** @param olderFlow the flow of a document that names none */
export function toKeyRecord(document: KeyDocument, olderFlow: VlessFlow): KeyRecord {
  const { terms: changed } = document;
  return {
    keyId: document.key_id,
    uuid: changed?.uuid ?? document.uuid,
    ...(changed?.uuid !== undefined && changed.uuid !== document.uuid && { isRevoked: true }),
    flow: document.flow ?? olderFlow,
    name: changed?.name === undefined ? document.name : changed.name,
    createdAt: document.created_at,
    owner: document.owner ?? null,
    job: document.job,
    phase: phases[document.phase],
    activated: document.activated,
    cancelled: document.cancelled ?? false,
    deleter: document.deleters?.[0] ?? null,
    indeterminate: Object.keys(document.unsure ?? {}),
    token: changed?.token ?? document.token ?? olderSubscriptionToken(document.key_id, document.uuid),
    terms: termsOf(document),
    changedBy: changed?.changed_by ?? [],
    changedAt: changed?.changed_at ?? (changed?.changed_by ?? []).map(() => null),
    outbox: unrelayedSteps(document),
  };
}

/** Steps of which some event is not in the log. */
function unrelayedSteps({ terms, relayed = {} }: KeyDocument): KeyStep[] {
  const isOpen = ({ id, type }: StepDocument["events"][number]) => isEventType(type) && relayed[id] !== true;
  return (terms?.outbox ?? []).filter(({ events }) => events.some(isOpen)).map(toStep);
}

/**
 * @param olderFlow the flow of a document that names none
 * @param handsOfMany hands that stand beside the documents
 */
export function toHandledKey(document: KeyDocument, olderFlow: VlessFlow, handsOfMany: HandsOfMany): HandledKey {
  const others = [...handsOfMany].filter(([, keyIds]) => keyIds.has(document.key_id)).map(([hand]) => hand);
  return {
    ...toKeyRecord(document, olderFlow),
    hands: [...new Set([...Object.keys(document.hands ?? {}), ...others])],
    clear: Object.keys(document.clear ?? {}),
  };
}
