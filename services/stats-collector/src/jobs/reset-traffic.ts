import type { JobResult } from "@veil/job-contract";
import { SEES_ALL, type Viewer } from "@veil/keys";
import { type Clock, TimeLimitError, withinTime } from "@veil/runtime";
import { answerOf, figuresOf, holdsAll, prepareReset, type TrafficRecord, type TrafficStore } from "@veil/traffic";
import type { ActiveKeys } from "../active-keys.ts";
import { ProcessChangedError, UptimeUnclearError } from "../sync/node-epochs.ts";
import { type KeysReading, type ReadKeysOptions, readKeys, type UnreadNode, updateOfKey } from "./read-keys.ts";

export interface ResetOptions extends ReadKeysOptions {
  readonly records: Pick<TrafficStore, "find" | "findMany" | "write">;
  readonly keys: Pick<ActiveKeys, "among" | "kept">;
  readonly clock: Pick<Clock, "now" | "sleep">;
  /** Called for every record that was read. */
  readonly onRecord: (record: TrafficRecord) => void;
}

export interface ResetRequest extends Viewer {
  readonly keyId: number;
  /** The id of the job. However often it runs, and whichever attempt of its write it is, the key is reset once, and it answers the same. */
  readonly job: string;
  /** Unix milliseconds; afterwards nothing is reset any more. */
  readonly deadline: number;
}

type ResetResult = JobResult<"reset-traffic">;

const ATTEMPTS = 5;

/**
 * Sets a key's traffic to zero, from the newest figures of every node.
 *
 * Anything else that decides about the record at the same moment makes it begin anew, with new figures.
 *
 * @throws {StoreUnavailableError} when the store is away; run the same job again, it may have been reset
 */
export async function resetTraffic(request: ResetRequest, options: ResetOptions): Promise<ResetResult> {
  const { keyId, job } = request;
  const earlier = answered(await options.records.find(String(keyId)), job, options.clock.now());
  if (earlier !== null) return earlier;
  if (!(await options.keys.among([keyId], request)).has(keyId)) return notFound(keyId, options.keys);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const result = await attemptReset(request, options);
    if (result !== "again") return result;
  }
  return { outcome: "unavailable", detail: "the traffic record or a node's process kept changing" };
}

/** A key whose record makes no sense is in no state, and yet it is not deleted. */
async function notFound(keyId: number, keys: ResetOptions["keys"]): Promise<ResetResult> {
  const [active, kept] = await Promise.all([keys.among([keyId], SEES_ALL), keys.kept([keyId])]);
  if (active.has(keyId) || !kept.has(keyId)) return { outcome: "not-found" };
  return { outcome: "unavailable", detail: `the record of key ${keyId} can't be read` };
}

async function attemptReset(request: ResetRequest, options: ResetOptions): Promise<ResetResult | "again"> {
  const { keyId, job, deadline } = request;
  const { records, clock, onRecord } = options;
  const reading = await readInTime(keyId, deadline, options);
  if (reading === null) return { outcome: "unavailable", detail: "the nodes could not be read in time" };
  const { keys, epochs, unread } = reading;
  const [key] = keys;
  if (unread.some(({ error }) => passesAtOnce(error))) return "again";
  if (key === undefined || unread.length > 0) return { outcome: "unavailable", detail: unreadable(unread) };
  const at = Math.floor(clock.now() / 1000);
  const update = updateOfKey(key, at);
  const before = await records.write(update);
  if (!holdsAll(before, update)) return "again";
  // Another attempt of the write, which was answered as not done, may have reset it meanwhile.
  const meanwhile = answered(before, job, clock.now());
  if (meanwhile !== null) return meanwhile;
  if (clock.now() >= deadline) return { outcome: "unavailable", detail: "the deadline passed" };
  const reset = prepareReset(before, job, epochs, at);
  const after = await records.write({ entity: key.entity, readAt: at, raise: {}, append: [reset] });
  onRecord(after);
  return answered(after, job, clock.now()) ?? "again";
}

async function readInTime(keyId: number, deadline: number, options: ResetOptions): Promise<KeysReading | null> {
  const { clock } = options;
  try {
    return await withinTime(readKeys([keyId], options), deadline - clock.now(), clock);
  } catch (error) {
    if (error instanceof TimeLimitError) return null;
    throw error;
  }
}

function passesAtOnce(error: unknown): boolean {
  return error instanceof ProcessChangedError || error instanceof UptimeUnclearError;
}

function unreadable(unread: readonly UnreadNode[]): string {
  return `Xray node ${unread.map(({ node }) => node).join(", ")} can't be read`;
}

/** Null when the record does not have this reset. */
function answered(record: TrafficRecord | null, job: string, now: number): ResetResult | null {
  const answer = answerOf(record, job, now);
  if (answer === undefined) return null;
  const { lifetime, used } = figuresOf(record);
  return {
    outcome: "reset",
    previous_upload: answer.previous.up,
    previous_download: answer.previous.down,
    reset_upload: lifetime.up - used.up,
    reset_download: lifetime.down - used.down,
  };
}
