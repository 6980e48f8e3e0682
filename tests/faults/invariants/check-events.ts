import { setTimeout as sleep } from "node:timers/promises";
import type { WebhookReceiver } from "@veil/test-support";
import type { ApiClient, LoggedEvent } from "../../support/api-client.ts";
import type { ReportedKeys } from "../load/event-bots.ts";
import type { Follower } from "../load/follow-events.ts";
import type { Findings } from "../report/findings.ts";

const READ_AT_ONCE = 1_000;
/** A key's lease of a dead worker lasts six seconds, its delivery job some more. */
const LOGGED_WITHIN_MS = 60_000;
/** An event that a receiver fails to take seven times in a row, as one that fails at random does now and then, comes after 127 s. */
const DELIVERED_WITHIN_MS = 150_000;
const PAGE_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 500;
const DEVICE_ADDED = "key.device_added";

/** All that is logged, by pages, each asked for again when that fails. */
export async function readLog(client: ApiClient): Promise<readonly LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  while (true) {
    const readPage = () => client.events(log.at(-1)?.seq ?? 0, READ_AT_ONCE);
    const page = await lookUntil(PAGE_WITHIN_MS, readPage, () => true);
    log.push(...page);
    if (page.length < READ_AT_ONCE) return log;
  }
}

/** Holds what bots were answered against the log, and what readers have seen of it while it grew. */
export async function checkEvents(
  client: ApiClient,
  { keys }: ReportedKeys,
  followers: readonly Follower[],
  findings: Findings,
): Promise<void> {
  const faultsOf = (log: readonly LoggedEvent[]): string[] => {
    const typesOf = new Map<number | undefined, string[]>();
    for (const { type, data } of log) {
      const types = typesOf.get(data.key?.key_id);
      if (types === undefined) typesOf.set(data.key?.key_id, [type]);
      else types.push(type);
    }
    return keys.flatMap(({ keyId, types, devices }) => {
      const logged = typesOf.get(keyId) ?? [];
      const others = logged.filter((type) => type !== DEVICE_ADDED);
      const isFramed = logged[0] === types[0] && (types.at(-1) !== "key.deleted" || logged.at(-1) === types.at(-1));
      const isComplete = others.join() === types.join() && logged.length === types.length + devices;
      if (isComplete && isFramed) return [];
      return [`of key ${keyId} is logged ${logged.join()} for ${types.join()} and ${devices} devices`];
    });
  };
  const log = await lookUntil(
    LOGGED_WITHIN_MS,
    () => readLog(client),
    (read) => faultsOf(read).length === 0,
  );
  const gaps = log.flatMap(({ seq }, index) => (seq === index + 1 ? [] : [`event ${seq} is at place ${index + 1}`]));
  const ids = new Set(log.map(({ id }) => id));
  const twice = ids.size === log.length ? [] : [`${log.length} events have ${ids.size} ids`];
  findings.enter("events", [...faultsOf(log), ...gaps.slice(0, 1), ...twice]);
  const wanted = log.map(({ seq, id }) => `${seq} ${id}`).join();
  for (const { name, seen } of followers) {
    const found = () => seen.map(({ seq, id }) => `${seq} ${id}`).join();
    const isSame = await lookUntil(LOGGED_WITHIN_MS, async () => found().startsWith(wanted), Boolean);
    findings.enter("events", isSame ? [] : [`${name} has seen ${seen.length} events of ${log.length}, or others`]);
  }
}

/** Holds what a receiver took against the log. */
export async function checkDeliveries(client: ApiClient, receiver: WebhookReceiver, findings: Findings): Promise<void> {
  const log = (await readLog(client)).filter(({ type }) => type.startsWith("key."));
  const missing = () => {
    const taken = new Set(receiver.taken.map(({ id }) => id));
    return log.filter(({ id }) => !taken.has(id));
  };
  const left = await lookUntil(
    DELIVERED_WITHIN_MS,
    async () => missing(),
    ({ length }) => length === 0,
  );
  findings.enter(
    "webhooks",
    left.slice(0, 10).map(({ seq, type }) => `event ${seq} (${type}) did not arrive`),
  );
  findings.enter(
    "webhooks",
    receiver.forged.slice(0, 1).map((body) => `a body is not signed as it should be: ${body}`),
  );
  const keyOf = new Map(log.map(({ seq, data }) => [seq, data.key?.key_id]));
  const last = new Map<number | undefined, number>();
  const known = new Set<number>();
  const late = receiver.taken.flatMap(({ seq }) => {
    if (known.has(seq)) return [];
    known.add(seq);
    const keyId = keyOf.get(seq);
    const before = last.get(keyId) ?? 0;
    last.set(keyId, Math.max(seq, before));
    return before > seq ? [`event ${seq} of key ${keyId} came after event ${before}`] : [];
  });
  findings.enter("webhooks", late.slice(0, 10));
}

/** Looks until what is seen is as it should be, or the time is up; a look that fails is made again. */
async function lookUntil<T>(withinMs: number, look: () => Promise<T>, isFine: (seen: T) => boolean): Promise<T> {
  for (const until = performance.now() + withinMs; ; await sleep(LOOK_EVERY_MS)) {
    const isLast = performance.now() >= until;
    const seen = await look().catch((error: unknown) => {
      if (isLast) throw error;
      return null;
    });
    if (seen !== null && (isLast || isFine(seen))) return seen;
  }
}
