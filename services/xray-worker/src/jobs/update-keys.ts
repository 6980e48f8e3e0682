import { encodeBatchChange, type JobPayload, type JobResult } from "@veil/job-contract";
import {
  type Clock,
  filterOf,
  type KeyBatches,
  KEYS_PER_PART,
  type KeyReader,
  type KeySelection,
  type SelectKeysPorts,
  type Viewer,
} from "@veil/keys";
import { actorOf } from "./actor-of.ts";

export interface UpdateKeysPorts extends SelectKeysPorts {
  readonly batches: Pick<KeyBatches, "begin">;
  readonly keys: Pick<KeyReader, "listActiveIds" | "findByExternalId">;
  readonly clock: Pick<Clock, "now">;
  /** Called once a batch is entered. */
  readonly onBegun: () => void;
}

/**
 * Enters a change of many keys: which ones they are is found out once, here. Whether the caller sees one that it named is asked
 * when that one is changed.
 *
 * @throws {StoreUnavailableError} for another attempt
 */
export async function beginUpdateKeys(
  { keys, owner, change, ...asked }: JobPayload<"update-keys">,
  job: string,
  ports: UpdateKeysPorts,
): Promise<JobResult<"update-keys">> {
  const keyIds = "key_ids" in keys ? named(keys.key_ids) : picked(keys.filter, { owner }, ports);
  const stored = encodeBatchChange({ change, actor: actorOf(asked) });
  await ports.batches.begin({ job, owner, change: stored }, inParts(keyIds));
  ports.onBegun();
  return { outcome: "begun" };
}

async function* named(keyIds: readonly number[]): AsyncGenerator<readonly number[]> {
  yield [...new Set(keyIds)];
}

async function* picked(
  selection: KeySelection,
  viewer: Viewer,
  ports: UpdateKeysPorts,
): AsyncGenerator<readonly number[]> {
  const filter = await filterOf(selection, viewer, ports.clock.now(), ports);
  for await (const group of ports.keys.listActiveIds({ filter })) yield group.map(({ keyId }) => keyId);
}

async function* inParts(groups: AsyncIterable<readonly number[]>): AsyncGenerator<readonly number[]> {
  let part: number[] = [];
  for await (const group of groups) {
    for (const keyId of group) {
      part.push(keyId);
      if (part.length < KEYS_PER_PART) continue;
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}
