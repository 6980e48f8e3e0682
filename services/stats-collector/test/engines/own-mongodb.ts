import { openMongoStore, type MongoStore } from "@veil/mongo";
import { ownDatabase } from "@veil/test-support";

/** A connection to a database of its own on the MongoDB of the test run, and its end. */
export async function ownMongodb(uri: string): Promise<{ mongodb: MongoStore; drop: () => Promise<void> }> {
  const mongodb = openMongoStore({
    uri: ownDatabase(uri),
    onError: (error) => {
      throw error;
    },
  });
  await mongodb.connection.asPromise();
  const drop = async (): Promise<void> => {
    await mongodb.connection.dropDatabase();
    await mongodb.close();
  };
  return { mongodb, drop };
}
