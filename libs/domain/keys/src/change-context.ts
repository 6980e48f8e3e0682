import type { KeyRecord } from "./access-key.ts";
import type { FoundMoved, MovedBytes } from "./key-traffic.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { type ChangeContext, dependsOnTraffic, type TermsChange } from "./terms/change-terms.ts";
import { tryRead } from "./try-read.ts";

type ContextPorts = Pick<LifecyclePorts, "traffic" | "clock" | "timeZone" | "notices">;

const NOTHING_MOVED: MovedBytes = { lifetime: { upload: 0, download: 0 }, reset: { upload: 0, download: 0 } };

/** The facts that decide about a change of a key at this moment. Its traffic is read only where it matters. */
export async function contextOf(
  { keyId, terms }: KeyRecord,
  change: TermsChange,
  ports: ContextPorts,
): Promise<ChangeContext> {
  const now = ports.clock.now();
  const isRead = dependsOnTraffic(terms, change, now, ports.notices);
  return contextAt(now, isRead ? await tryRead(() => ports.traffic.movedBy(keyId)) : NOTHING_MOVED, ports);
}

/** {@link contextOf} for what is due about many keys, which share one read. @param now milliseconds since the epoch */
export async function dueContexts(
  keys: readonly KeyRecord[],
  now: number,
  ports: ContextPorts,
): Promise<(keyId: number) => ChangeContext> {
  const reading = keys.filter(({ terms }) => dependsOnTraffic(terms, {}, now, ports.notices));
  const moved: ReadonlyMap<number, FoundMoved> =
    reading.length === 0 ? new Map() : await ports.traffic.movedByMany(reading.map(({ keyId }) => keyId));
  const atRest = contextAtRest(now, ports);
  return (keyId) => {
    const bytes = moved.get(keyId);
    return bytes === undefined ? atRest : contextAt(now, bytes, ports);
  };
}

/** That of a key about whose changes what it has moved has no say. @param now milliseconds since the epoch */
export function contextAtRest(now: number, ports: ContextPorts): ChangeContext {
  return contextAt(now, NOTHING_MOVED, ports);
}

function contextAt(now: number, moved: FoundMoved, { timeZone, notices }: ContextPorts): ChangeContext {
  const bytes = moved === "unreadable" ? { lifetime: null, reset: NOTHING_MOVED.reset } : moved;
  return { now, ...bytes, timeZone, ...(notices !== undefined && { notices }) };
}
