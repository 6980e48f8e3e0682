import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import type { Redis } from "@veil/redis";
import { z } from "zod";
import { WriteRecordsUnavailableError } from "../errors.ts";
import { readOutcome, storeOutcome } from "./stored-outcome.ts";
import type { Claim, Completion, JoinRequest, Participation, WriteRecords, WriteState } from "./write-records.ts";

/** The clock of Redis in milliseconds, so that those of the replicas need not agree. */
const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/**
 * Fields: print, request, state (running; judging while one resolves the outcome; final; passing when the write may be
 * tried anew), leader, lease, attempt, started, reply, packed (a long reply, compressed). Records outlive an upgrade, so
 * that their names stay.
 */
const SCRIPTS = {
  join: `${NOW}
local r = redis.call('HMGET', KEYS[1], 'print', 'state', 'lease', 'attempt', 'started', 'reply', 'packed')
local participant, print, request, started, lease, keep = unpack(ARGV)
local function lead(attempt, from)
  redis.call('HSET', KEYS[1], 'print', print, 'request', request, 'state', 'running', 'leader', participant,
    'lease', now + lease, 'attempt', attempt, 'started', from)
  redis.call('HDEL', KEYS[1], 'reply', 'packed')
  redis.call('PEXPIRE', KEYS[1], keep)
end
if not r[1] then lead(1, started) return {'leader', 1, started} end
if r[1] ~= print then return {'key-mismatch'} end
if r[2] == 'final' then return {'replay', r[6], r[7] or ''} end
if r[2] == 'passing' then local n = r[4] + 1; lead(n, started) return {'leader', n, started} end
if tonumber(r[3]) < now then lead(r[4], r[5]) return {'takeover', tonumber(r[4]), r[5]} end
return {'follower', tonumber(r[4]), r[5]}`,

  claimOutcome: `${NOW}
local r = redis.call('HMGET', KEYS[1], 'state', 'leader', 'lease', 'attempt', 'reply', 'packed')
local participant, attempt, lease, keep = unpack(ARGV)
if not r[1] or r[4] ~= attempt then return {'gone'} end
if r[5] then return {'completed', r[5], r[6] or ''} end
if r[2] ~= participant and tonumber(r[3]) >= now then return {'wait', r[3] - now} end
redis.call('HSET', KEYS[1], 'state', 'judging', 'leader', participant, 'lease', now + lease)
redis.call('PEXPIRE', KEYS[1], keep)
return {'granted'}`,

  complete: `${NOW}
local r = redis.call('HMGET', KEYS[1], 'state', 'leader', 'lease', 'attempt', 'reply', 'packed')
local participant, attempt, reply, packed, state, keep = unpack(ARGV)
if not r[1] or r[4] ~= attempt then return {'gone'} end
if r[5] then return {'completed', r[5], r[6] or ''} end
if r[1] == 'judging' and r[2] ~= participant then return {'wait', math.max(0, r[3] - now)} end
redis.call('HSET', KEYS[1], 'state', state, 'reply', reply, 'request', '')
if packed ~= '' then redis.call('HSET', KEYS[1], 'packed', packed) end
redis.call('PEXPIRE', KEYS[1], keep)
return {'granted'}`,

  forget: `
local r = redis.call('HMGET', KEYS[1], 'leader', 'attempt', 'reply')
local participant, attempt = unpack(ARGV)
if r[1] ~= participant or r[2] ~= attempt or r[3] then return {'kept'} end
if attempt == '1' then redis.call('DEL', KEYS[1])
else redis.call('HSET', KEYS[1], 'state', 'passing', 'request', '') end
return {'done'}`,

  release: `
local r = redis.call('HMGET', KEYS[1], 'leader', 'reply')
if r[1] == ARGV[1] and not r[2] then redis.call('HSET', KEYS[1], 'lease', 0) end
return {'done'}`,

  read: `${NOW}
local r = redis.call('HMGET', KEYS[1], 'request', 'attempt', 'reply', 'lease', 'print', 'packed')
if not r[1] then return {'none'} end
local abandoned = 0
if not r[3] and tonumber(r[4]) < now then abandoned = 1 end
return {'found', r[1], tonumber(r[2]), r[3] or '', r[6] or '', abandoned, r[5]}`,
} as const;

/** How the ends of an attempt are stored. */
const STORED_ENDS = { final: "final", retryable: "passing" } as const satisfies Record<Completion["end"], string>;

const count = z.coerce.number().int();
const joinAnswer = z.union([
  z.tuple([z.enum(["leader", "takeover", "follower"]), count, count]),
  z.tuple([z.literal("replay"), z.string(), z.string()]),
  z.tuple([z.literal("key-mismatch")]),
]);
const claimAnswer = z.union([
  z.tuple([z.literal("completed"), z.string(), z.string()]),
  z.tuple([z.literal("wait"), count]),
  z.tuple([z.enum(["granted", "gone"])]),
]);
const stateAnswer = z.union([
  z.tuple([z.literal("none")]),
  z.tuple([z.literal("found"), z.string(), count, z.string(), z.string(), count, z.string()]),
]);

/** Writes in Redis: one hash each, changed by scripts alone, with Redis's own clock for the leases. */
export class RedisWriteRecords implements WriteRecords {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async join(
    id: string,
    { participant, fingerprint, request, startedAt, leaseMs }: JoinRequest,
  ): Promise<Participation> {
    const args = [participant, fingerprint, request, startedAt, leaseMs, REPEATED_WITHIN_MS];
    const answer = joinAnswer.parse(await this.#run(SCRIPTS.join, id, args));
    if (answer[0] === "key-mismatch") return { role: "key-mismatch" };
    if (answer[0] === "replay") return { role: "replay", outcome: readOutcome(answer[1], answer[2]) };
    return { role: answer[0], attempt: answer[1], startedAt: answer[2] };
  }

  async claimOutcome(id: string, participant: string, attempt: number, leaseMs: number): Promise<Claim> {
    return claimOf(await this.#run(SCRIPTS.claimOutcome, id, [participant, attempt, leaseMs, REPEATED_WITHIN_MS]));
  }

  async complete(id: string, { participant, attempt, outcome, end }: Completion): Promise<Claim> {
    const { reply, packed } = await storeOutcome(outcome);
    const args = [participant, attempt, reply, packed, STORED_ENDS[end], REPEATED_WITHIN_MS];
    return claimOf(await this.#run(SCRIPTS.complete, id, args));
  }

  async forget(id: string, participant: string, attempt: number): Promise<void> {
    await this.#run(SCRIPTS.forget, id, [participant, attempt]);
  }

  async release(id: string, participant: string): Promise<void> {
    await this.#run(SCRIPTS.release, id, [participant]);
  }

  async read(id: string): Promise<WriteState | null> {
    const answer = stateAnswer.parse(await this.#run(SCRIPTS.read, id, []));
    if (answer[0] === "none") return null;
    const [, request, attempt, reply, packed, abandoned, fingerprint] = answer;
    const outcome = reply === "" ? null : readOutcome(reply, packed);
    return { fingerprint, request, attempt, outcome, abandoned: abandoned === 1 };
  }

  async #run(script: string, id: string, args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.eval(script, 1, `${this.#prefix}:write:${id}`, ...args);
    } catch (error) {
      throw new WriteRecordsUnavailableError("the store of writes did not answer", { cause: error });
    }
  }
}

function claimOf(value: unknown): Claim {
  const answer = claimAnswer.parse(value);
  if (answer[0] === "completed") return { state: "completed", outcome: readOutcome(answer[1], answer[2]) };
  if (answer[0] === "wait") return { state: "wait", leftMs: answer[1] };
  return { state: answer[0] };
}
