import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyWithTerms } from "../../support/api-client.ts";
import type { Asked, Caller } from "./caller.ts";
import type { Random } from "./random.ts";

/** One key, its bot, and what the bot may rely on. */
export interface BotKey {
  readonly keyId: number;
  readonly uuid: string;
  /** Seconds that were added, each by one request, however often that was sent. */
  addedSeconds: number;
  readonly begunWith: number;
  /** The value in the last answer that was no extension; the ends that extensions count from never move otherwise. */
  enabled: boolean;
}

const AGAIN_AFTER_MS = 300;
const STEP_S = 60;
/** So far away that only extensions move it. */
const TERM_S = 1_000_000;

export async function newBotKey(caller: Caller): Promise<BotKey> {
  const begunWith = Math.floor(Date.now() / 1_000) + TERM_S;
  const { outcome } = await caller.createWith({ expires_at: begunWith });
  if (outcome.kind !== "answered") throw new Error("a key for a bot could not be made");
  return { keyId: outcome.value.key_id, uuid: outcome.value.uuid, addedSeconds: 0, begunWith, enabled: true };
}

/** One change at a time, the same request again until it is answered: after each, the bot knows what its key is. */
export async function changeOnce(key: BotKey, caller: Caller, random: Random): Promise<void> {
  const repeatKey = randomUUID();
  if (random.next() < 0.4) {
    await untilAnswered(() => caller.extend(key.keyId, STEP_S, repeatKey));
    key.addedSeconds += STEP_S;
    return;
  }
  const enabled = random.next() < 0.5;
  await untilAnswered(() => caller.patch(key.keyId, { enabled }, repeatKey));
  key.enabled = enabled;
}

export async function untilAnswered(ask: () => Promise<Asked<KeyWithTerms>>): Promise<KeyWithTerms> {
  while (true) {
    const { outcome } = await ask();
    if (outcome.kind === "answered") return outcome.value;
    await sleep(AGAIN_AFTER_MS);
  }
}
