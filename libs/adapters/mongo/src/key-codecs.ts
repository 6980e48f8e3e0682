import { trafficResets } from "@veil/keys";
import { z } from "zod";
import { stampDocument, stepDocument } from "./step-documents.ts";

const flow = z.enum(["", "xtls-rprx-vision"]);
/** Missing for keys of nobody, and in what was stored before keys had owners. */
const owner = z.string().exactOptional();

/** A claim of a create job. `_id` is the job's id. A job that may never claim has `key_id` null. */
export const creationDocument = z.object({
  _id: z.string(),
  key_id: z.number().nullable().default(null),
  uuid: z.string().nullable().default(null),
  /** Missing in claims that were made before each key kept its own: see `OlderFlow`. */
  flow: flow.exactOptional(),
  name: z.string().nullable().default(null),
  owner,
  /** Unix seconds. */
  created_at: z.number(),
  /** Unix milliseconds. */
  deadline: z.number(),
  /** Missing in claims that were made before groups had an effect. */
  groups: z.array(z.string()).exactOptional(),
  /** Set by the sweep once the key is decided, so that it need not look again. */
  decided: z.boolean(),
});
export type CreationDocument = Readonly<z.infer<typeof creationDocument>>;

const bytes = z.object({ upload: z.number(), download: z.number() });

/**
 * The changeable part of a key, replaced as a whole by `$max`: engines compare documents field by field, so `revision`
 * and `fence` come first and of two versions the later one stands, in whichever order they arrive. Times in unix
 * seconds.
 */
export const termsDocument = z.object({
  revision: z.number(),
  fence: z.number(),
  /** Missing as long as they are those of the key's document itself. */
  uuid: z.string().exactOptional(),
  name: z.string().nullable().exactOptional(),
  token: z.string().exactOptional(),
  changed_by: z.array(z.string()),
  /** Beside `changed_by`; missing in what versions before wrote. */
  changed_at: z.array(z.number().nullable()).exactOptional(),
  enabled: z.boolean(),
  expires_at: z.number().nullable(),
  /** When the key ends by time in any case: the one moment to ask for, on hold or not. */
  ends_at: z.number().nullable(),
  traffic_limit: z.number().nullable(),
  traffic_reset: z.enum(trafficResets),
  next_reset_at: z.number().nullable(),
  reset_anchor: z.number(),
  used_from: bytes,
  limited_at: z.number().nullable(),
  is_expiry_counted: z.boolean(),
  hold_for: z.number().nullable(),
  hold_until: z.number().nullable(),
  hold_from: z.number(),
  external_id: z.string().nullable(),
  tag: z.string().nullable(),
  note: z.string().nullable(),
  groups: z.array(z.string()),
  device_limit: z.number().nullable(),
  /** Missing in terms that were written before devices could be reset. */
  device_epoch: z.number().default(0),
  /** Missing in versions that reported nothing before it came. */
  noticed: z
    .object({ is_connected: z.boolean(), thresholds: z.array(z.number()), hours: z.array(z.number()) })
    .exactOptional(),
  /** The key's last steps, as long as one of their events is not known to be logged. */
  outbox: z.array(stepDocument).exactOptional(),
});
export type TermsDocument = Readonly<z.infer<typeof termsDocument>>;

/** A decided key. `_id` is the key id as a string: the only field on which every engine has an index. */
export const keyDocument = z.object({
  _id: z.string(),
  key_id: z.number(),
  uuid: z.string(),
  /** Missing in keys that were decided before each kept its own: see `OlderFlow`. */
  flow: flow.exactOptional(),
  name: z.string().nullable().default(null),
  owner,
  /** Unix seconds. */
  created_at: z.number(),
  job: z.string(),
  /** A number, so that `$max` can only ever raise it: see `phaseNumber`. */
  phase: z.literal([1, 2, 3]),
  activated: z.boolean(),
  cancelled: z.boolean().exactOptional(),
  /** Delete jobs in the order in which they came; the first one deletes. */
  deleters: z.array(z.string()).exactOptional(),
  /** Node names, each true. */
  unsure: z.record(z.string(), z.boolean()).exactOptional(),
  /** Tokens of those who took the key up and did not let go of it, each true. */
  hands: z.record(z.string(), z.boolean()).exactOptional(),
  /** Names of nodes that the deletion has finished with, each true. */
  clear: z.record(z.string(), z.boolean()).exactOptional(),
  /** Unix seconds. Missing in records that became gone before it was kept. */
  gone_at: z.number().exactOptional(),
  /** Missing in keys that were decided before each kept its own: it follows from the uuid then. */
  token: z.string().exactOptional(),
  /** Missing as long as the key is unlimited and nobody has changed it. */
  terms: termsDocument.exactOptional(),
  /** Stamps of all that ended the key, in the order in which they came; the first one is reported. */
  endings: z.array(stampDocument).exactOptional(),
  /** Ids of events that are in the log, each true; the last few. */
  relayed: z.record(z.string(), z.boolean()).exactOptional(),
  /** Whether its end is in the log: until then the record stays. */
  is_end_logged: z.boolean().exactOptional(),
});
export type KeyDocument = Readonly<z.infer<typeof keyDocument>>;

/** The fields of every active key that are read when nodes are reconciled. */
export const desiredDocument = keyDocument
  .pick({ _id: true, key_id: true, uuid: true, flow: true, unsure: true })
  .extend({
    terms: z.object({ uuid: z.string().exactOptional(), groups: z.array(z.string()).exactOptional() }).exactOptional(),
  });

/** The fields of every key that are read to find those with events that may not be logged. */
export const unrelayedDocument = keyDocument.pick({ _id: true, activated: true, endings: true, relayed: true }).extend({
  terms: z.object({ outbox: z.array(stepDocument).exactOptional() }).exactOptional(),
});
export type UnrelayedDocument = Readonly<z.infer<typeof unrelayedDocument>>;

/** The fields of every active key that are read for the tag of a list. */
export const listedIdDocument = keyDocument.pick({ _id: true, key_id: true, job: true });

/** The fields of every active key that are read when keys are counted. */
export const keyTermsDocument = keyDocument.pick({ _id: true, created_at: true, terms: true });

/** The fields of every key that are read to find the one that has a UUID. */
export const keyUuidDocument = keyDocument
  .pick({ _id: true, uuid: true })
  .extend({ terms: z.object({ uuid: z.string().exactOptional() }).exactOptional() });

/** A fact about the whole installation: the flow of keys that name none. */
export const installationDocument = z.object({ _id: z.string(), flow });
export type InstallationDocument = Readonly<z.infer<typeof installationDocument>>;

/** One hand that was entered into many keys at once. `_id` is its token. */
export const handDocument = z.object({
  _id: z.string(),
  key_ids: z.array(z.number()),
  /** Unix seconds. */
  entered_at: z.number(),
});
export type HandDocument = Readonly<z.infer<typeof handDocument>>;

/**
 * The keys that may have an external id. `_id` is the `externalIdEntry` of that id; versions of before know `key_id` and
 * `undecided` alone. MongoDB compares two `entered` field by field, so `version` and `fence` come first and of two the later
 * one stands, in whichever order they arrive.
 */
export const externalIdDocument = z.object({
  _id: z.string(),
  key_id: z.number(),
  undecided: z.array(z.number()).optional(),
  entered: z.object({ version: z.number(), fence: z.number(), key_ids: z.array(z.number()).min(1) }).optional(),
});
export type ExternalIdDocument = Readonly<z.infer<typeof externalIdDocument>>;

/** The last key id that was handed out. */
export const counterDocument = z.object({ _id: z.string(), value: z.number() });
export type CounterDocument = Readonly<z.infer<typeof counterDocument>>;

/** How a node's inbound must be put back. It holds the REALITY private key: only the worker's MongoDB user may read it. */
export const inboundDocument = z.object({ _id: z.string(), inbound: z.string() });
export type InboundDocument = Readonly<z.infer<typeof inboundDocument>>;
