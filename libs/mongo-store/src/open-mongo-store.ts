import { connectMongo, type MongoConnection, type MongoConnectionOptions } from "./connect-mongo.ts";
import { MongoInboundVault } from "./mongo-inbound-vault.ts";
import { MongoKeyReader } from "./mongo-key-reader.ts";
import { MongoKeyStore } from "./mongo-key-store.ts";
import { MongoNodeEpochStore } from "./mongo-node-epoch-store.ts";
import { OlderFlow, type OlderFlowOptions } from "./older-flow.ts";
import { MongoTrafficStore } from "./mongo-traffic-store.ts";

/** Everything that is stored, over one connection. */
export interface MongoStore extends MongoConnection {
  /** Keys as the worker changes them. */
  readonly keys: MongoKeyStore;
  /** Keys as the API and the collector read them. */
  readonly keyReader: MongoKeyReader;
  readonly traffic: MongoTrafficStore;
  readonly nodeEpochs: MongoNodeEpochStore;
  readonly inbounds: MongoInboundVault;
}

export interface MongoStoreOptions extends MongoConnectionOptions {
  /** How keys are read that were stored before each kept its own flow; left out where nobody asks for a flow. */
  readonly olderFlow?: OlderFlowOptions;
}

/** Opens the store. Returns at once, also while MongoDB is away: see {@link connectMongo}. */
export function openMongoStore({ olderFlow, ...options }: MongoStoreOptions): MongoStore {
  const connection = connectMongo(options);
  const flow = new OlderFlow(connection, olderFlow);
  return Object.assign(connection, {
    keys: new MongoKeyStore(connection, flow),
    keyReader: new MongoKeyReader(connection, flow),
    traffic: new MongoTrafficStore(connection),
    nodeEpochs: new MongoNodeEpochStore(connection),
    inbounds: new MongoInboundVault(connection),
  });
}
