import type { Redis } from "ioredis";
import { isReply } from "./redis-refusal.ts";

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
export function tolerateNoInfo(redis: Redis): Redis {
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
