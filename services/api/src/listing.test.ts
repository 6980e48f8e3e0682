import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { StoreUnavailableError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { InMemoryPlane } from "../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";
import type { KeyReader } from "./ports.ts";

const plane = new InMemoryPlane();
const key = plane.addKey({ name: "x".repeat(200) });

/** A list that is very long, that knows how far it was read and whether it was closed. */
class VeryLongList {
  read = 0;
  closed = false;
  length = 1_000_000;
  failAfter = Number.POSITIVE_INFINITY;

  readonly reader: KeyReader = {
    ...plane.keyReader,
    listActive: () => this.#keys(),
    listActiveIds: () => this.#ids(),
  };

  async *#ids() {
    for (let keyId = 1; keyId <= this.length; keyId += 1) yield [{ keyId, job: key.job }];
  }

  async *#keys() {
    this.closed = false;
    let keyId = 0;
    try {
      while (keyId < this.length) {
        if (this.read >= this.failAfter) throw new StoreUnavailableError(new Error("cursor lost"));
        this.read += 1;
        keyId += 1;
        yield [{ ...key, keyId }];
        if (this.read % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.closed = true;
    }
  }
}

describe("GET /api/keys of very many keys", () => {
  let list: VeryLongList;
  let api: InMemoryApi;

  beforeEach(async () => {
    list = new VeryLongList();
    api = await startInMemoryApi({ keys: list.reader });
  });
  afterEach(async () => {
    await api.close();
  });

  function open(): Promise<IncomingMessage> {
    const headers = { Authorization: `Bearer ${api.secret}` };
    return new Promise((resolve, reject) => {
      get(`${api.baseUrl}/api/keys`, { headers }, resolve).on("error", reject);
    });
  }

  it("reads no further than the client takes", async () => {
    const response = await open();
    let before = -1;
    await expect
      .poll(
        () => {
          const still = list.read === before;
          before = list.read;
          return still;
        },
        { interval: 100 },
      )
      .toBe(true);
    expect(list.read).toBeLessThan(200_000);
    response.destroy();
  });

  it("closes the cursor when the client goes away", async () => {
    const response = await open();
    await once(response, "data");
    response.destroy();
    await expect.poll(() => list.closed).toBe(true);
    await expect.poll(() => api.finished).toMatchObject([{ route: "/api/keys", status: 200 }]);
    await expect
      .poll(() => api.log.lines)
      .toMatchObject([
        { level: "info", message: "request", fields: { aborted: true } },
        { level: "debug", message: "answer broken off" },
      ]);
  });

  it("breaks the connection when the cursor fails midway, so that half a list is never taken for a whole one", async () => {
    list.failAfter = 60_000;
    const response = await open();
    response.resume();
    await expect(once(response, "end")).rejects.toThrow(/aborted/);
    expect(response.complete).toBe(false);
    await expect
      .poll(() => api.log.lines)
      .toContainEqual(expect.objectContaining({ level: "error", message: "answer broken off" }));
  });

  it("answers an ordinary error when the cursor fails at once", async () => {
    list.failAfter = 10;
    expect(answerOf(await call(api, "get", "/api/keys"))).toEqual(failure(503, "The key store is unavailable"));
    expect(list.closed).toBe(true);
  });

  it("reads nothing for HEAD", async () => {
    await call(api, "head", "/api/keys").expect(200);
    expect(list.read).toBe(0);
  });
});
