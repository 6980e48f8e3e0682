import { z } from "zod";
import { url } from "./setting-types.ts";

/** The variables that say where Redis and MongoDB are; every process reads them alike. */
export const engineVariables = {
  REDIS_URL: url(["redis", "rediss"]).default("redis://127.0.0.1:6379").meta({ example: "redis://127.0.0.1:6379" }),
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
