import type { Redis } from "@veil/redis-connection";
import { z } from "zod";
import { WriteRecordsUnavailableError } from "../errors.ts";
import type { Judgement, Settlement, Turn, TurnRequest, WriteRecords, WriteState } from "./write-records.ts";

const keepMs = 24 * 60 * 60 * 1_000;

const now = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** Fields: print, request, state (running, judging, final, passing), leader, lease, attempt, started, reply. */
const scripts = {
  begin: `${now}
local r = redis.call('HMGET', KEYS[1], 'print', 'state', 'lease', 'attempt', 'started', 'reply')
local participant, print, request, started, lease, keep = unpack(ARGV)
local function lead(attempt, from)
  redis.call('HSET', KEYS[1], 'print', print, 'request', request, 'state', 'running', 'leader', participant,
    'lease', now + lease, 'attempt', attempt, 'started', from)
  redis.call('HDEL', KEYS[1], 'reply')
  redis.call('PEXPIRE', KEYS[1], keep)
end
if not r[1] then lead(1, started) return {'leader', 1, started} end
if r[1] ~= print then return {'stranger'} end
if r[2] == 'final' then return {'settled', r[6]} end
if r[2] == 'passing' then local n = r[4] + 1; lead(n, started) return {'leader', n, started} end
if tonumber(r[3]) < now then lead(r[4], r[5]) return {'heir', tonumber(r[4]), r[5]} end
return {'follower', tonumber(r[4]), r[5]}`,

  judge: `${now}
local r = redis.call('HMGET', KEYS[1], 'state', 'leader', 'lease', 'attempt', 'reply')
local participant, attempt, lease, keep = unpack(ARGV)
if not r[1] or r[4] ~= attempt then return {'gone'} end
if r[5] then return {'settled', r[5]} end
if r[2] ~= participant and tonumber(r[3]) >= now then return {'wait', r[3] - now} end
redis.call('HSET', KEYS[1], 'state', 'judging', 'leader', participant, 'lease', now + lease)
redis.call('PEXPIRE', KEYS[1], keep)
return {'granted'}`,

  settle: `${now}
local r = redis.call('HMGET', KEYS[1], 'state', 'leader', 'lease', 'attempt', 'reply')
local participant, attempt, reply, state, keep = unpack(ARGV)
if not r[1] or r[4] ~= attempt then return {'gone'} end
if r[5] then return {'settled', r[5]} end
if r[1] == 'judging' and r[2] ~= participant then return {'wait', math.max(0, r[3] - now)} end
redis.call('HSET', KEYS[1], 'state', state, 'reply', reply)
redis.call('PEXPIRE', KEYS[1], keep)
return {'granted'}`,

  release: `
local r = redis.call('HMGET', KEYS[1], 'leader', 'reply')
if r[1] == ARGV[1] and not r[2] then redis.call('HSET', KEYS[1], 'lease', 0) end
return {'done'}`,

  read: `${now}
local r = redis.call('HMGET', KEYS[1], 'request', 'attempt', 'reply', 'lease', 'print')
if not r[1] then return {'none'} end
local abandoned = 0
if not r[3] and tonumber(r[4]) < now then abandoned = 1 end
return {'found', r[1], tonumber(r[2]), r[3] or '', abandoned, r[5]}`,
} as const;

const count = z.coerce.number().int();
const storedReply = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.object({
      kind: z.literal("json"),
      status: z.number(),
      body: z.looseObject({}),
      headers: z.record(z.string(), z.string()).exactOptional(),
    }),
  );
const turnAnswer = z.union([
  z.tuple([z.enum(["leader", "heir", "follower"]), count, count]),
  z.tuple([z.literal("settled"), storedReply]),
  z.tuple([z.literal("stranger")]),
]);
const judgementAnswer = z.union([
  z.tuple([z.literal("settled"), storedReply]),
  z.tuple([z.literal("wait"), count]),
  z.tuple([z.enum(["granted", "gone"])]),
]);
const stateAnswer = z.union([
  z.tuple([z.literal("none")]),
  z.tuple([z.literal("found"), z.string(), count, z.literal("").or(storedReply), count, z.string()]),
]);

/** Writes in Redis: one hash each, changed by scripts alone, with Redis's own clock for the leases. */
export class RedisWriteRecords implements WriteRecords {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async begin(id: string, { participant, fingerprint, request, startedAt, leaseMs }: TurnRequest): Promise<Turn> {
    const args = [participant, fingerprint, request, startedAt, leaseMs, keepMs];
    const answer = turnAnswer.parse(await this.#run(scripts.begin, id, args));
    if (answer[0] === "stranger") return { role: "stranger" };
    if (answer[0] === "settled") return { role: "settled", reply: answer[1] };
    return { role: answer[0], attempt: answer[1], startedAt: answer[2] };
  }

  async judge(id: string, participant: string, attempt: number, leaseMs: number): Promise<Judgement> {
    return judgementOf(await this.#run(scripts.judge, id, [participant, attempt, leaseMs, keepMs]));
  }

  async settle(id: string, { participant, attempt, reply, end }: Settlement): Promise<Judgement> {
    return judgementOf(await this.#run(scripts.settle, id, [participant, attempt, JSON.stringify(reply), end, keepMs]));
  }

  async release(id: string, participant: string): Promise<void> {
    await this.#run(scripts.release, id, [participant]);
  }

  async read(id: string): Promise<WriteState | null> {
    const answer = stateAnswer.parse(await this.#run(scripts.read, id, []));
    if (answer[0] === "none") return null;
    const [, request, attempt, reply, abandoned, fingerprint] = answer;
    return { fingerprint, request, attempt, reply: reply === "" ? null : reply, abandoned: abandoned === 1 };
  }

  async #run(script: string, id: string, args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.eval(script, 1, `${this.#prefix}:write:${id}`, ...args);
    } catch (error) {
      throw new WriteRecordsUnavailableError("the store of writes did not answer", { cause: error });
    }
  }
}

function judgementOf(value: unknown): Judgement {
  const answer = judgementAnswer.parse(value);
  if (answer[0] === "settled") return { state: "settled", reply: answer[1] };
  if (answer[0] === "wait") return { state: "wait", leftMs: answer[1] };
  return { state: answer[0] };
}
