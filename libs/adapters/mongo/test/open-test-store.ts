import { ownDatabase } from "@veil/test-support";
import { inject } from "vitest";
import { type MongoStore, type MongoStoreOptions, openMongoStore } from "../src/open-mongo-store.ts";

export type TestStore = MongoStore & { readonly uri: string };

/** A store that is connected, in a database of its own unless the options name one. A failure of the connection throws. */
export async function openTestStore(options: Partial<MongoStoreOptions> = {}): Promise<TestStore> {
  const uri = options.uri ?? ownDatabase(inject("mongodbUri"));
  const onError = (error: Error) => {
    throw error;
  };
  const store = openMongoStore({ onError, ...options, uri });
  await store.connection.asPromise();
  return Object.assign(store, { uri });
}
