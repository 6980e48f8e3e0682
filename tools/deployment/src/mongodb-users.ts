import { setTimeout as delay } from "node:timers/promises";
import { type Db, MongoClient, MongoServerError } from "mongodb";
import type { Secrets } from "./secrets.ts";

/** Whether MongoDB asks who somebody is. One that does not, refuses credentials. */
export type MongodbAccess = "users" | "open";

/** The API enqueues jobs and reads; every write is a worker's or a collector's. */
export const mongodbRoles = { api: "read", "xray-worker": "readWrite", "stats-collector": "readWrite" } as const;

const DATABASE = "veil";
const ATTEMPT_MS = 2_000;
const TRY_AGAIN_AFTER_MS = 500;

/** Thrown when MongoDB was not there in time, or refused what the first start needs. */
export class MongodbUsersError extends Error {
  override readonly name = "MongodbUsersError";
}

export interface MongodbUsersOptions {
  /** `host:port` */
  readonly address: string;
  readonly secrets: Secrets;
  /** Milliseconds until which MongoDB must have answered. */
  readonly withinMs: number;
  /** Whether users that are there have these passwords already. Default false. */
  readonly areKnown?: boolean;
}

/**
 * Sees to it that every service has its user in the database `veil`, with its password and what it may do, and no more.
 * Users that are there already are brought up to date.
 *
 * @throws {MongodbUsersError}
 */
export async function ensureMongodbUsers(options: MongodbUsersOptions): Promise<MongodbAccess> {
  const deadline = performance.now() + options.withinMs;
  for (;;) {
    try {
      if (await isOpen(options.address)) return "open";
      await withDatabase(rootUri(options), (db) => writeUsers(db, options));
      return "users";
    } catch (cause) {
      if (performance.now() > deadline) {
        throw new MongodbUsersError(`MongoDB at ${options.address} can't be given its users: ${String(cause)}`, {
          cause,
        });
      }
      await delay(TRY_AGAIN_AFTER_MS);
    }
  }
}

/** Whether somebody without a name may read. */
function isOpen(address: string): Promise<boolean> {
  return withDatabase(`mongodb://${address}/${DATABASE}`, async (db) => {
    try {
      await db.command({ listCollections: 1, nameOnly: true });
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return false;
      throw error;
    }
  });
}

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const UNAUTHORIZED = 13;
const USER_EXISTS = 51_003;

async function writeUsers(db: Db, { secrets, areKnown = false }: MongodbUsersOptions): Promise<void> {
  for (const user of ["api", "xray-worker", "stats-collector"] as const) {
    const wanted = { pwd: secrets[`mongodb-${user}-password`], roles: [{ role: mongodbRoles[user], db: DATABASE }] };
    try {
      await db.command({ createUser: user, ...wanted });
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === USER_EXISTS)) throw error;
      if (!areKnown) await db.command({ updateUser: user, ...wanted });
    }
  }
}

function rootUri({ address, secrets }: MongodbUsersOptions): string {
  return `mongodb://root:${secrets["mongodb-root-password"]}@${address}/${DATABASE}?authSource=admin`;
}

async function withDatabase<T>(uri: string, use: (db: Db) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: ATTEMPT_MS, connectTimeoutMS: ATTEMPT_MS });
  try {
    return await use(client.db(DATABASE));
  } finally {
    await client.close();
  }
}
