import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Caller } from "../load/caller.ts";
import type { Load } from "../load/keep-busy.ts";
import type { Random } from "../load/random.ts";
import { untilAnswered } from "../load/until-answered.ts";

/** A key as its bot knows it from the answers. */
export interface MovedKey {
  readonly keyId: number;
  groups: readonly string[];
  isGone: boolean;
}

const created = z.object({ key_id: z.number(), groups: z.array(z.string()) });

const PAUSE_MS = 50;
/** A bot deletes above so many keys. */
const KEYS_TO_KEEP = 25;

/** Bots that make keys in random groups, move them to others and delete them, each its own keys, until it is answered. */
export function startGroupMovers(
  caller: Caller,
  random: Random,
  bots: number,
  groups: readonly string[],
): Load & { readonly keys: readonly MovedKey[] } {
  const keys: MovedKey[] = [];
  let stopped = false;
  const running = Array.from({ length: bots }, async () => {
    const own: MovedKey[] = [];
    while (!stopped) {
      const made = await oneChange(caller, random, own, groups);
      if (made !== null) {
        own.push(made);
        keys.push(made);
      }
      await sleep(PAUSE_MS);
    }
  });
  return {
    keys,
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** @returns the key, if one was made */
async function oneChange(
  caller: Caller,
  random: Random,
  own: readonly MovedKey[],
  groups: readonly string[],
): Promise<MovedKey | null> {
  const living = own.filter(({ isGone }) => !isGone);
  if (living.length === 0 || (living.length <= KEYS_TO_KEEP && random.next() < 0.5))
    return makeKey(caller, [random.pick(groups)]);
  const key = random.pick(living);
  const path = `/api/keys/${key.keyId}`;
  if (living.length > KEYS_TO_KEEP) {
    await untilAnswered(caller, "DELETE", path);
    key.isGone = true;
    return null;
  }
  key.groups = random.next() < 0.3 ? groups : [random.pick(groups)];
  await untilAnswered(caller, "PATCH", path, { groups: key.groups });
  return null;
}

/** Makes a key in these groups. */
export async function makeKey(caller: Caller, groups: readonly string[]): Promise<MovedKey> {
  const key = created.parse(await untilAnswered(caller, "POST", "/api/keys", { groups }));
  return { keyId: key.key_id, groups: key.groups, isGone: false };
}
