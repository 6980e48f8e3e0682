/** What is stored, and the only MongoDB code: documents, indexes and stores. Knows no jobs, no Xray, no HTTP. */
export { connectMongo, type MongoConnection, type MongoConnectionOptions } from "./connect-mongo.ts";
export { MongoInboundVault } from "./mongo-inbound-vault.ts";
export { MongoKeyReader } from "./mongo-key-reader.ts";
export { MongoKeyStore } from "./mongo-key-store.ts";
export { MongoNodeEpochStore } from "./mongo-node-epoch-store.ts";
export { MongoTrafficStore } from "./mongo-traffic-store.ts";
