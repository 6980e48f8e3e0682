import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";

/**
 * Codes with which Redis says that it did not execute a command. Those that depend on the server's state (OOM and the like)
 * end a script before its first write, never after it.
 */
const refusalCodes = [
  "ASK",
  "BUSY",
  "CLUSTERDOWN",
  "CROSSSLOT",
  "EXECABORT",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "MOVED",
  "NOAUTH",
  "NOPERM",
  "NOREPLICAS",
  "OOM",
  "READONLY",
  "TRYAGAIN",
  "WRONGPASS",
] as const;

/** Why Redis did not execute a command. */
export type RefusalCode = (typeof refusalCodes)[number];

/** A code is a word by itself, wherever it stands: Redis 6 puts the errors of scripts behind the script's own. */
const CODE = new RegExp(`(?<![\\w'"])(?:${refusalCodes.join("|")})(?![\\w'"])`);

/** Calls within a script that the account may not make: those before them were carried out. */
const WITHIN_SCRIPT = /\bscript\b/i;

/**
 * The code by which Redis refused a command: surely nothing of it happened.
 *
 * @returns null for whatever leaves that open, a lost connection for one
 */
export function refusalCodeOf(error: unknown): RefusalCode | null {
  if (!isReply(error)) return null;
  const code = repliedCode(error);
  return code === "NOPERM" && WITHIN_SCRIPT.test(error.message) ? null : code;
}

/** How ioredis 5 rejects a command of a `fail-fast` connection that can't take one at the moment. */
const UNSENT = "Stream isn't writeable and enableOfflineQueue options is false";

/** Whether surely nothing of a single command happened: Redis refused it, or it never left. */
export function isSurelyUndone(error: unknown): boolean {
  return refusalCodeOf(error) !== null || (error instanceof Error && error.message === UNSENT);
}

/** Whether the server that answered is no primary any more, so that another address may be behind the name by now. */
export function isDemoted(error: unknown): boolean {
  if (!isReply(error)) return false;
  const code = repliedCode(error);
  return code === "READONLY" || code === "MASTERDOWN" || error.message.startsWith("UNBLOCKED");
}

function repliedCode(error: Error): RefusalCode | null {
  const [word] = CODE.exec(error.message) ?? [];
  return refusalCodes.find((code) => code === word) ?? null;
}

/** Whether the server itself said it, rather than the connection failing. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

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
