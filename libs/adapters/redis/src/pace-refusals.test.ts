import { setTimeout as sleep } from "node:timers/promises";
import { Command, type Redis, ReplyError } from "ioredis";
import { expect, it } from "vitest";
import { paceRefusals } from "./redis-refusal.ts";

/** Less than the pause, and more than a refusal takes that is passed on. */
const SOON_MS = 200;

/** Whether a refusal is known before a pause is over. */
async function isKnownSoon(name: string, args: string[]): Promise<boolean> {
  const refuse = async () => {
    throw new ReplyError("ERR refused");
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is asked of a connection here
  const redis = paceRefusals({ sendCommand: refuse, duplicate: refuse } as unknown as Redis);
  let isKnown = false;
  const refusal = Promise.resolve(redis.sendCommand(new Command(name, args))).catch(() => {
    isKnown = true;
  });
  await sleep(SOON_MS);
  const soon = isKnown;
  await refusal;
  return soon;
}

it("lets whoever asks again at once learn of a refusal after a pause", async () => {
  expect(await isKnownSoon("bzpopmin", ["marker", "5"])).toBe(false);
});

it("holds no connection up that says its version to a Redis which does not take it", async () => {
  expect(await isKnownSoon("CLIENT", ["SETINFO", "LIB-NAME", "ioredis"])).toBe(true);
});
