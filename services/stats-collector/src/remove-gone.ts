import type { TrafficStore } from "@veil/traffic-ledger";
import { isNodeSubject } from "@veil/traffic-ledger";
import type { ActiveKeys } from "./active-keys.ts";

const AT_ONCE = 1_000;

/**
 * Removes the records of keys that are not active any more. A key id is never used again, so a record that a slow collector
 * makes anew goes with the next pass. Records of nodes stay: the bytes of deleted keys stay in them.
 *
 * @returns how many records went
 * @throws StoreUnavailableError
 */
export async function removeGone(
  records: Pick<TrafficStore, "subjects" | "remove">,
  keys: ActiveKeys,
): Promise<number> {
  let removed = 0;
  let subjects: string[] = [];
  const check = async (): Promise<void> => {
    const active = await keys.among(subjects.map(Number));
    const gone = subjects.filter((subject) => !active.has(Number(subject)));
    if (gone.length > 0) await records.remove(gone);
    removed += gone.length;
    subjects = [];
  };
  for await (const subject of records.subjects()) {
    if (!isNodeSubject(subject)) subjects.push(subject);
    if (subjects.length >= AT_ONCE) await check();
  }
  await check();
  return removed;
}
