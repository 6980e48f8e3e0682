import { expect, it } from "vitest";
import { plainRedisUrl } from "./connect-redis.ts";

it.each(["redis://127.0.0.1:6379", "rediss://user:p%3Fw@redis.example:6380/2?family=6"])(
  "leaves %s as it is",
  (url) => {
    expect(plainRedisUrl(url)).toEqual({ url, ignored: [] });
  },
);

it("leaves out what would change how commands are sent, and names it", () => {
  expect(plainRedisUrl("redis://h/1?commandTimeout=500&family=6&maxRetriesPerRequest=1&keyPrefix=x")).toEqual({
    url: "redis://h/1?family=6",
    ignored: ["commandTimeout", "maxRetriesPerRequest", "keyPrefix"],
  });
  expect(plainRedisUrl("redis://h?enableOfflineQueue=true").url).toBe("redis://h");
});
