import type { LedgerUpdate } from "@veil/traffic";

/** What another collector writes that read a counter a little before, and comes first. @param bytes how many fewer it read */
export function slowerReading(update: LedgerUpdate, bytes: number): LedgerUpdate {
  const append = update.append.map((event) =>
    event.kind === "reset" ? event : { ...event, first: event.first - bytes },
  );
  return { ...update, append };
}
