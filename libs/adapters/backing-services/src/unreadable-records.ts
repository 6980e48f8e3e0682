import { READ_COLLECTIONS, type UnreadableRecord } from "@veil/mongo";
import type { Logger, Metrics } from "@veil/runtime";

/** Records that are named in the log; beyond them only the metric counts. */
const MOST_NAMED = 1_000;

/** Counts stored records that can't be read whenever one is met, and names each in the log once. */
export function unreadableRecords(metrics: Metrics, log: Pick<Logger, "error">): (record: UnreadableRecord) => void {
  const met = metrics.counter({
    name: "veil_records_unreadable_total",
    help: "Times a stored record was met that this version can't read; the others are read all the same.",
    labels: { collection: READ_COLLECTIONS },
  });
  const named = new Set<string>();
  return ({ collection, id, error: err }) => {
    met.inc({ collection });
    const name = `${collection} ${id}`;
    if (named.has(name) || named.size >= MOST_NAMED) return;
    named.add(name);
    log.error({ err, collection, id }, "a stored record can't be read and is left out");
  };
}
