import type { PassRecord } from "@veil/reconciler";
import type { ExclusiveTask } from "@veil/redis";
import { z } from "zod";

/** A look at the shared clock and at what is known of the last good pass over a node; null when nothing is. */
export interface PassLook {
  /** Milliseconds since the epoch, by the shared clock. */
  readonly now: number;
  readonly last: PassRecord | null;
}

/** Where processes tell each other of their passes. Both throw when the store is away. */
export interface PassRecords {
  look(node: string): Promise<PassLook>;
  /** @returns the time by the shared clock */
  keep(node: string, pass: PassRecord): Promise<number>;
}

/** Time is Redis's own, so the processes' clocks need not agree. */
const LOOK_SCRIPT = `
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('GET', KEYS[1])}`;

/** ARGV[1] record; ARGV[2] ms for which it is kept */
const KEEP_SCRIPT = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Longer than any period: without it a node is passed over once more. */
const KEPT_MS = 24 * 60 * 60 * 1_000;

const looked = z.tuple([z.number(), z.string().nullable()]);
const passRecord = z
  .object({
    begunAt: z.number(),
    postponed: z.number(),
    users: z.number(),
    brakedSince: z.number().nullable(),
    groups: z.array(z.string()).nullable().default(null),
    version: z.string().nullable().default(null),
    unmanaged: z.number().nullable().default(null),
    // Missing in records of the version before, each pass of which lists the users.
    listedAt: z.number().optional(),
  })
  .transform(({ listedAt, ...pass }) => ({ ...pass, listedAt: listedAt ?? pass.begunAt }));

/** Kept in Redis, beside the leases of the nodes. */
export class RedisPassRecords implements PassRecords {
  readonly #options: Pick<ExclusiveTask, "redis" | "prefix">;

  constructor(options: Pick<ExclusiveTask, "redis" | "prefix">) {
    this.#options = options;
  }

  async look(node: string): Promise<PassLook> {
    const [now, text] = looked.parse(await this.#options.redis.eval(LOOK_SCRIPT, 1, this.#keyOf(node)));
    // A record of another version is none: the node is passed over once more.
    return { now, last: text === null ? null : (passRecord.safeParse(parsed(text)).data ?? null) };
  }

  async keep(node: string, pass: PassRecord): Promise<number> {
    const text = JSON.stringify(passRecord.parse(pass));
    return z.number().parse(await this.#options.redis.eval(KEEP_SCRIPT, 1, this.#keyOf(node), text, KEPT_MS));
  }

  #keyOf(node: string): string {
    return `${this.#options.prefix}:pass:${node}`;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
