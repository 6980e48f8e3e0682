import mongoose from "mongoose";
import { describe, expect, it } from "vitest";
import { plainMongoUri } from "./mongo-uri.ts";

const HOSTS = "mongodb://user:p%3Fw@a.example,b.example:27018/veil";

describe("plainMongoUri", () => {
  it.each([
    HOSTS,
    `${HOSTS}?replicaSet=rs0&tls=true&authSource=admin&retryWrites=false&directConnection=true`,
    "mongodb+srv://user@cluster.example/?appName=veil",
  ])("leaves %s as it is", (uri) => {
    expect(plainMongoUri(uri)).toEqual({ uri, ignored: [] });
  });

  it("says nothing of options that change nothing, as managed services hand them out", () => {
    const given = `${HOSTS}?retryWrites=true&w=majority&journal=true&readPreference=primary`;
    expect(plainMongoUri(given)).toEqual({ uri: `${HOSTS}?retryWrites=true`, ignored: [] });
  });

  it.each([
    ["readPreference=secondaryPreferred", "readPreference"],
    ["readpreference=NEAREST", "readpreference"],
    ["readPreference=secondary&readPreferenceTags=dc:ny", "readPreference", "readPreferenceTags"],
    ["maxStalenessSeconds=120", "maxStalenessSeconds"],
    ["readConcernLevel=available", "readConcernLevel"],
    ["w=1", "w"],
    ["w=0", "w"],
    ["journal=false", "journal"],
    ["j=false", "j"],
    ["wtimeoutMS=1", "wtimeoutMS"],
    ["wTimeout=1", "wTimeout"],
    ["socketTimeoutMS=0", "socketTimeoutMS"],
    ["timeoutMS=100", "timeoutMS"],
    ["serverSelectionTimeoutMS=30000", "serverSelectionTimeoutMS"],
  ])("takes %s out, and names it", (options, ...ignored) => {
    expect(plainMongoUri(`${HOSTS}?${options}&authSource=admin`)).toEqual({
      uri: `${HOSTS}?authSource=admin`,
      ignored,
    });
  });

  it("leaves the driver with none of it", () => {
    const { uri } = plainMongoUri(`${HOSTS}?readPreference=nearest&journal=false&w=1&readConcernLevel=available`);
    const { options } = new mongoose.mongo.MongoClient(uri);
    expect(options.readPreference.mode).toBe("primary");
    expect([options.writeConcern, options.readConcern]).toEqual([undefined, undefined]);
  });
});
