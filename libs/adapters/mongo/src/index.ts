/** All stored data and the only MongoDB code: documents, indexes and stores. Knows no jobs, no Xray, no HTTP. */
export type { OlderFlowOptions } from "./older-flow.ts";
export { BackupDatabase, countDocuments, type DocumentsPart } from "./backup/backup-database.ts";
export { type MongoStore, openMongoStore } from "./open-mongo-store.ts";
export { READ_COLLECTIONS, type UnreadableRecord } from "./read-documents.ts";
