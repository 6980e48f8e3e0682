import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Caller } from "./caller.ts";
import type { Load } from "./keep-busy.ts";
import type { Random } from "./random.ts";
import { AGAIN_AFTER_MS, untilAnswered } from "./until-answered.ts";

/** A key and what its answers say that has to be reported of it, in this order. */
export interface ReportedKey {
  readonly keyId: number;
  readonly types: string[];
  /** How many devices were registered: each is reported somewhere between the first and the last of these. */
  devices: number;
}

/** The keys of all bots, as their answers report them. */
export interface ReportedKeys {
  readonly keys: ReportedKey[];
  changes: number;
}

/** A key as its bot knows it. */
interface NewKey extends ReportedKey {
  readonly address: string;
}

interface Change {
  readonly type: string;
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
}

/** Of so many keys of a bot one ends by itself. */
const ENDING_EVERY = 5;
const ENDS_IN_S = 3;

const created = z.object({ key_id: z.number(), subscription_url: z.string() });

/**
 * Bots that make keys, change and delete them. Each sends a write again until it is answered, always with the same
 * `Idempotency-Key`: so what has to be reported of a key is known to the event.
 */
export function startEventBots(
  caller: Caller,
  random: Random,
  bots: number,
): Load & { readonly answered: ReportedKeys } {
  const answered: ReportedKeys = { keys: [], changes: 0 };
  let stopped = false;
  const running = Array.from({ length: bots }, async () => {
    for (let made = 1; !stopped; made += 1) {
      await (made % ENDING_EVERY === 0 ? makeEndingKey(caller, answered) : liveAndDie(caller, random, answered));
    }
  });
  return {
    answered,
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

async function makeEndingKey(caller: Caller, answered: ReportedKeys): Promise<void> {
  // Of a creation that is repeated for longer than that nothing but its making is reported.
  const expires_at = Math.floor(Date.now() / 1_000) + ENDS_IN_S;
  const begun = Date.now();
  const key = await makeKey(caller, { expires_at }, answered);
  if (Date.now() - begun < (ENDS_IN_S - 1) * 1_000) key.types.push("key.expired");
  else answered.keys.splice(answered.keys.indexOf(key), 1);
}

async function liveAndDie(caller: Caller, random: Random, answered: ReportedKeys): Promise<void> {
  const key = await makeKey(caller, { name: "of a bot", device_limit: 1 }, answered);
  if (random.next() < 0.5) await bringDevice(key, caller, answered);
  const path = `/api/keys/${key.keyId}`;
  const patch = (type: string, body: object): Change => ({ type, method: "PATCH", path, body });
  const acts: readonly (readonly Change[])[] = [
    [patch("key.updated", { note: "one" })],
    [patch("key.disabled", { enabled: false }), patch("key.enabled", { enabled: true })],
    [patch("key.traffic_reset", { reset_traffic: true })],
    [{ type: "key.revoked", method: "POST", path: `${path}/revoke`, body: { link: true } }],
    [patch("key.updated", { note: "two", tag: "bots" })],
  ];
  for (const change of acts.filter(() => random.next() < 0.7).flat()) await make(change, key, caller, answered);
  await make({ type: "key.deleted", method: "DELETE", path, body: undefined }, key, caller, answered);
}

/** Fetches the subscription until the device is listed: one that can't be registered is served as well. */
async function bringDevice(key: NewKey, caller: Caller, answered: ReportedKeys): Promise<void> {
  const { keyId, address } = key;
  while (true) {
    await caller.subscribe(address, `device-of-${keyId}`);
    const { outcome } = await caller.countDevices(keyId);
    if (outcome.kind === "answered" && outcome.value > 0) break;
    await sleep(AGAIN_AFTER_MS);
  }
  key.devices += 1;
  answered.changes += 1;
}

async function makeKey(caller: Caller, body: object, answered: ReportedKeys): Promise<NewKey> {
  const { key_id: keyId, subscription_url: address } = created.parse(
    await untilAnswered(caller, "POST", "/api/keys", body),
  );
  const key = { keyId, address, types: ["key.created"], devices: 0 };
  answered.keys.push(key);
  answered.changes += 1;
  return key;
}

async function make(change: Change, key: ReportedKey, caller: Caller, answered: ReportedKeys): Promise<void> {
  const { type, method, path, body } = change;
  await untilAnswered(caller, method, path, body);
  key.types.push(type);
  answered.changes += 1;
}
