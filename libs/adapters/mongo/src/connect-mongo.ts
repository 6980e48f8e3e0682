import { StoreRejectedError } from "@veil/keys";
import mongoose, { type Connection, type mongo } from "mongoose";
import { namesDatabase, plainMongoUri } from "./mongo-uri.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";
import { type HeartbeatWatch, watchHeartbeats } from "./watch-heartbeats.ts";

/** One process's connection to MongoDB. It opens in the background and comes back by itself. */
export interface MongoConnection {
  readonly connection: Connection;
  /** False while no server can be reached; operations then fail at once or within two seconds. */
  readonly connected: boolean;
  /**
   * Asks MongoDB for what this process needs of it; see {@link pingMongo}.
   *
   * @throws {StoreUnavailableError} when no server can be reached, it refuses, or does not answer within five seconds
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface MongoConnectionOptions {
  /** `mongodb://…` or `mongodb+srv://…`; the database is `veil` unless the address names one. */
  readonly uri: string;
  /** Called for every failed attempt to connect, about every two seconds while MongoDB is away. */
  readonly onError: (error: Error) => void;
  /** Whether this process writes, so that a ping is to write too. False when left out. */
  readonly writes?: boolean;
  /** Called with the names of the options of the address that have no effect; see {@link plainMongoUri}. */
  readonly onIgnored?: (options: readonly string[]) => void;
  /** Largest number of sockets. */
  readonly poolSize?: number;
}

const SELECTION_TIMEOUT_MS = 2_000;
const SOCKET_TIMEOUT_MS = 5_000;
const RECONNECT_DELAY_MS = 250;
/** A heartbeat that has to connect takes the time of a connection and that of a reply at most. */
const LONGEST_HEARTBEAT_MS = 4 * SELECTION_TIMEOUT_MS;

/**
 * Connects with what an acknowledged write needs, `w: majority` and the journal, and reads from the primary, whatever the
 * address says of these.
 *
 * Returns at once, also while MongoDB is away.
 */
export function connectMongo({
  uri: address,
  onError,
  onIgnored = () => undefined,
  writes = false,
  poolSize = 16,
}: MongoConnectionOptions): MongoConnection {
  const { uri, ignored } = plainMongoUri(address);
  if (ignored.length > 0) onIgnored(ignored);
  const connection = mongoose.createConnection();
  connection.on("error", onError);
  const closing = new AbortController();
  let watch: HeartbeatWatch | null = null;
  let opening = untilOpen(open);

  async function open(): Promise<void> {
    await connection.openUri(uri, {
      ...(namesDatabase(uri) ? {} : { dbName: "veil" }),
      autoIndex: false,
      autoCreate: false,
      bufferCommands: false,
      maxPoolSize: poolSize,
      minPoolSize: 1,
      serverSelectionTimeoutMS: SELECTION_TIMEOUT_MS,
      connectTimeoutMS: SELECTION_TIMEOUT_MS,
      socketTimeoutMS: SOCKET_TIMEOUT_MS,
      waitQueueTimeoutMS: SELECTION_TIMEOUT_MS,
      heartbeatFrequencyMS: 1_000,
      readPreference: "primary",
      writeConcern: { w: "majority", journal: true, wtimeoutMS: SOCKET_TIMEOUT_MS },
    });
    watch = watchHeartbeats(connection.getClient(), LONGEST_HEARTBEAT_MS, () => {
      onError(new Error("MongoDB heartbeat stalled; reconnecting"));
      opening = untilOpen(reopen);
    });
  }

  /** The driver keeps its databases and collections over this; operations under way fail. */
  async function reopen(): Promise<void> {
    const client = connection.getClient();
    await client.close();
    await client.connect();
  }

  async function untilOpen(attempt: () => Promise<void>): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        if (!closing.signal.aborted) onError(error instanceof Error ? error : new Error(String(error)));
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_DELAY_MS));
      }
    }
  }

  return {
    connection,
    get connected() {
      return connection.readyState === mongoose.ConnectionStates.connected;
    },
    ping: () =>
      storeErrors(async () => {
        if (connection.db === undefined) throw new mongoose.MongooseError("not connected yet");
        await pingMongo(connection.db, writes);
      }),
    close: async () => {
      closing.abort();
      watch?.stop();
      await opening;
      await connection.close();
    },
  };
}

/** No key has this id. A text, as the ids of keys are: for a number FerretDB 1.x reads all keys, in every probe. */
const NO_KEY = "none";

/**
 * Asks for what a process needs: a primary, whose data its account may read, and write if it writes. A `ping` is answered by
 * a secondary, by a server whose disk is full, and to an account that may do nothing.
 *
 * @throws {StoreRejectedError} when the server is no primary, otherwise what it refuses with
 */
async function pingMongo(database: mongo.Db, writes: boolean): Promise<void> {
  const hello = await database.command({ hello: 1 });
  if (hello["isWritablePrimary"] === false) throw new StoreRejectedError(new Error("it is not the primary"));
  await database.collection<{ _id: string }>("keys").findOne({ _id: NO_KEY });
  if (!writes) return;
  const probes = database.collection<{ _id: string; at: Date }>("probes");
  try {
    await probes.updateOne({ _id: "probe" }, { $currentDate: { at: true } }, { upsert: true });
  } catch (error) {
    // Another process made it at the same moment: it was written.
    if (!isDuplicateKey(error)) throw error;
  }
}
