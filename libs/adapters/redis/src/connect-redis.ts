import type { Duplex } from "node:stream";
import { Redis, type RedisOptions } from "ioredis";
import { isDemoted, isReply, paceRefusals } from "./redis-refusal.ts";

/**
 * The purpose of a connection:
 * - `fail-fast`: somebody waits for the answer (an HTTP request). While Redis is away every command fails at once, and a
 *   command that gets no reply fails after two seconds; nothing is sent twice. A Redis that says nothing for two seconds
 *   though it was asked counts as away until it answers a new connection.
 * - `patient`: a background consumer. Commands wait until Redis is back (BullMQ demands this of its workers), and a refusal
 *   comes after a pause.
 */
export type RedisRole = "fail-fast" | "patient";

const roles = {
  "fail-fast": {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 2_000,
    socketTimeout: 2_000,
  },
  patient: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, Partial<RedisOptions>>;

const LONGEST_RECONNECT_DELAY_MS = 1_000;

/** Behind a name that leads to a replica for a while, every reply asks for another connection. */
const RECONNECT_EVERY_MS = 1_000;

/**
 * Opens a connection that comes back by itself, within a second of Redis being back, and looks for the primary anew when
 * the server that it has is none any more.
 *
 * Nothing is thrown when Redis is away: watch `status`, or await a command.
 *
 * @param url `redis://[user:password@]host:port[/db]` or `rediss://…`; see {@link plainRedisUrl} for its options
 * @param onError called for every failed attempt to connect; ioredis repeats it about once a second
 */
export function connectRedis(url: string, role: RedisRole, onError: (error: Error) => void): Redis {
  const redis = new Redis(plainRedisUrl(url).url, {
    ...roles[role],
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_DELAY_MS),
    reconnectOnError: reconnectWhenDemoted(),
  });
  redis.on("error", onError);
  redis.on("connect", () => coalesceWrites(redis.stream));
  const tolerant = tolerateNoInfo(redis);
  return role === "patient" ? paceRefusals(tolerant) : tolerant;
}

function reconnectWhenDemoted(): (error: Error) => boolean {
  let reconnectedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    const now = performance.now();
    if (!isDemoted(error) || now - reconnectedAt < RECONNECT_EVERY_MS) return false;
    reconnectedAt = now;
    return true;
  };
}

/** The answer of the oldest server that we support. */
const LEAST_INFO = "redis_version:6.2.0\r\nloading:0\r\n";

type OnInfo = (error: Error | null, text?: string) => void;

/**
 * Lets a connection work whose account may not use `INFO`, as accounts of managed services often may not.
 *
 * ioredis asks for it to learn whether Redis is still loading, and BullMQ to learn its version. Refused, the one prints a
 * warning at every connection, and the other asks again at once, for ever.
 *
 * @returns the same connection; its duplicates behave alike
 */
function tolerateNoInfo(redis: Redis): Redis {
  const [info, duplicate] = [redis.info.bind(redis), redis.duplicate.bind(redis)];
  const infoOrLeast = (...asked: readonly (string | OnInfo)[]): Promise<string> => {
    const sections = asked.filter((one) => typeof one === "string");
    const onInfo = asked.find((one) => typeof one === "function");
    const text = info(...sections).catch((error: unknown) => {
      if (isReply(error) && error.message.startsWith("NOPERM")) return LEAST_INFO;
      throw error;
    });
    if (onInfo !== undefined) text.then((known) => onInfo(null, known), onInfo);
    return text;
  };
  const duplicateAlike: Redis["duplicate"] = (override) => tolerateNoInfo(duplicate(override));
  return Object.assign(redis, { info: infoOrLeast, duplicate: duplicateAlike });
}

/** The options that a Redis URL may carry: where the server is and who we are, and nothing of how commands are sent. */
const understoodOptions = ["connectionName", "db", "family", "password", "username"];

interface RedisUrl {
  readonly url: string;
  /** The names of the options that were left out of it. */
  readonly ignored: readonly string[];
}

/**
 * A Redis URL without what would change how commands are sent: the client takes any of its own options from there and
 * prefers them to those it is given, so that `commandTimeout` would cut blocking commands off, and `maxRetriesPerRequest`
 * end a consumer.
 */
export function plainRedisUrl(url: string): RedisUrl {
  const [base = "", query = ""] = url.split("?", 2);
  const options = new URLSearchParams(query);
  const ignored = [...new Set(options.keys())].filter((name) => !understoodOptions.includes(name));
  if (ignored.length === 0) return { url, ignored };
  for (const name of ignored) options.delete(name);
  return { url: options.size === 0 ? base : `${base}?${options.toString()}`, ignored };
}

/**
 * Lets everything that is written to a socket in one turn of the event loop go out by one system call.
 *
 * ioredis writes every command by itself; when a hundred jobs end together, that is a hundred calls into the kernel.
 */
export function coalesceWrites(socket: Pick<Duplex, "cork" | "uncork" | "write">): void {
  const write = socket.write.bind(socket);
  let isCorked = false;
  const coalesce = () => {
    if (isCorked) return;
    isCorked = true;
    socket.cork();
    setImmediate(() => {
      isCorked = false;
      socket.uncork();
    });
  };
  const writeCoalesced = (...written: Parameters<typeof write>) => {
    coalesce();
    return write(...written);
  };
  Object.assign(socket, { write: writeCoalesced });
}
