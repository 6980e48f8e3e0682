import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { isReply } from "./redis-refusal.ts";

/** About as soon as a connection that was lost is tried again. */
const PAUSE_MS = 1_000;

/**
 * How ioredis says its name and version on each new connection, once: a Redis before 7.2 refuses a part of it, and nothing else
 * is sent before the answer.
 */
const INTRODUCTION = "client";

/**
 * Has a background consumer learn only after a pause that Redis refused a command, so that whatever asks again at once,
 * as BullMQ's loops do, asks once a second. Its duplicates behave alike.
 */
export function paceRefusals(redis: Redis): Redis {
  const [send, duplicate] = [redis.sendCommand.bind(redis), redis.duplicate.bind(redis)];
  const sendPaced: Redis["sendCommand"] = (...sent) => {
    const reply = send(...sent);
    if (!(reply instanceof Promise) || sent[0].name.toLowerCase() === INTRODUCTION) return reply;
    const paced = reply.catch(async (error: unknown) => {
      // A script that Redis does not know yet is sent whole at once.
      if (isReply(error) && !error.message.startsWith("NOSCRIPT")) await sleep(PAUSE_MS);
      throw error;
    });
    // A pipeline looks at the command itself and not at what this returns.
    paced.catch(() => undefined);
    return paced;
  };
  const duplicateAlike: Redis["duplicate"] = (override) => paceRefusals(duplicate(override));
  return Object.assign(redis, { sendCommand: sendPaced, duplicate: duplicateAlike });
}
