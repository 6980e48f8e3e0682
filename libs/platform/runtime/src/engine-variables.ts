import { z } from "zod";
import { url } from "./setting-types.ts";

/** Redis refuses another name, and the client then goes on in database 0. */
function hasNumberedDatabase(address: string): boolean {
  return /^rediss?:\/\/[^/?]*(?:\/\d*)?(?:\?.*)?$/i.test(address);
}

/** The variables that say where Redis and MongoDB are; every process reads them alike. */
export const engineVariables = {
  REDIS_URL: url(["redis", "rediss"])
    .refine(hasNumberedDatabase, "must name its database by a number, if at all: redis://host:6379/1")
    .default("redis://127.0.0.1:6379")
    .meta({ example: "redis://127.0.0.1:6379" }),
  MONGODB_URI: url(["mongodb", "mongodb+srv"])
    .default("mongodb://127.0.0.1:27017/veil")
    .meta({ example: "mongodb://127.0.0.1:27017/veil" }),
  /** In front of every key in Redis, so that several systems can share one. */
  QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]+$/, "must consist of a-z, 0-9 and -")
    .default("veil")
    .meta({ example: "veil" }),
};
