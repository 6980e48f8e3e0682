import { describe, expect, it } from "vitest";
import { connectRedis } from "./connect-redis.ts";
import { isDemoted, isSurelyUndone, refusalCodeOf } from "./redis-refusal.ts";

function reply(text: string): Error {
  return Object.assign(new Error(text), { name: "ReplyError" });
}

describe("isSurelyUndone", () => {
  it("is true of a command that ioredis did not send, since there was no connection", async () => {
    const nowhere = connectRedis("redis://127.0.0.1:1", "fail-fast", () => undefined);
    const error: unknown = await nowhere.set("a", "b").catch((reason: unknown) => reason);
    nowhere.disconnect();
    expect(isSurelyUndone(error)).toBe(true);
  });

  it("is true of what Redis refused, and not of a connection that ended", () => {
    expect(isSurelyUndone(reply("READONLY You can't write against a read only replica."))).toBe(true);
    expect(isSurelyUndone(new Error("Connection is closed."))).toBe(false);
  });
});

describe("refusalCodeOf", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "OOM"],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 8d2a, on @user_script:1.", "OOM"],
    ["ERR Error running script (call to f_8d2a): @user_script:1: @user_script: 1: -OOM command not allowed", "OOM"],
    ["READONLY You can't write against a read only replica.", "READONLY"],
    ["READONLY You can't write against a read only replica. script: 8d2a, on @user_script:19.", "READONLY"],
    [
      "ERR Error running script (call to f_8d2a): @user_script:19: @user_script: 19: -READONLY You can't write against a read only replica.",
      "READONLY",
    ],
    ["LOADING Redis is loading the dataset in memory", "LOADING"],
    ["LOADING Valkey is loading the dataset in memory", "LOADING"],
    ["MISCONF Errors writing to the AOF file: No space left on device", "MISCONF"],
    ["NOPERM this user has no permissions to run the 'evalsha' command", "NOPERM"],
    ["NOPERM User bot has no permissions to access the 'veil:veil-keys:meta' key", "NOPERM"],
    ["MOVED 3999 127.0.0.1:6381", "MOVED"],
    ["CROSSSLOT Keys in request don't hash to the same slot", "CROSSSLOT"],
    ["CLUSTERDOWN Hash slot not served", "CLUSTERDOWN"],
    ["NOREPLICAS Not enough good replicas to write.", "NOREPLICAS"],
    ["NOAUTH Authentication required.", "NOAUTH"],
    ["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "BUSY"],
  ])("knows that nothing happened: %s", (text, code) => {
    expect(refusalCodeOf(reply(text))).toBe(code);
  });

  it.each([
    ["an error of a command, which its script may have reached late", reply("WRONGTYPE Operation against a key")],
    [
      "a call that the account may not make, after others of the same script",
      reply("NOPERM ACL failure in script: this user has no permissions to run the 'xadd' command"),
    ],
    ["a code within another word", reply("ERR unknown command 'READONLYISH'")],
    ["a code that the caller sent", reply("ERR unknown command 'READONLY', with args beginning with: ")],
    ["a lost connection", new Error("Connection is closed.")],
    ["a text that no server sent", new Error("READONLY You can't write against a read only replica.")],
    ["no error at all", "OOM"],
  ])("leaves open what became of %s", (_, error) => {
    expect(refusalCodeOf(error)).toBeNull();
  });
});

describe("isDemoted", () => {
  it.each([
    "READONLY You can't write against a read only replica.",
    "ERR Error running script (call to f_8d2a): @user_script:19: @user_script: 19: -READONLY You can't write",
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
  ])("sees that another server is the primary: %s", (text) => {
    expect(isDemoted(reply(text))).toBe(true);
  });

  it("does not look for another primary when this one has no memory left", () => {
    expect(isDemoted(reply("OOM command not allowed when used memory > 'maxmemory'."))).toBe(false);
  });
});
