import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { someEvent } from "@veil/events/testing";
import { storedToken } from "@veil/tokens/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { STALLED_READER_MS } from "../http/stalled-readers.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

/** What is to be in time may be late where others take the machine: not three times in a row. */
const ON_A_BUSY_MACHINE = { retry: 2 };

let api: InMemoryApi;
const open: AbortController[] = [];

beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  for (const aborting of open.splice(0)) aborting.abort();
  await api.close();
});

const log = (count = 1, attributes = {}) =>
  api.plane.events.append(
    api.plane.events.events.length,
    Array.from({ length: count }, () => someEvent(attributes)),
  );

/** Opens a stream, and collects what comes. */
async function stream(query = "", headers: Record<string, string> = {}) {
  const aborting = new AbortController();
  open.push(aborting);
  const response = await fetch(`${api.baseUrl}/api/events${query}`, {
    headers: { authorization: `Bearer ${api.secret}`, accept: "text/event-stream", ...headers },
    signal: aborting.signal,
  });
  const state = { text: "", isOver: false };
  const read = async () => {
    for await (const chunk of response.body ?? []) state.text += Buffer.from(chunk).toString();
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      state.isOver = true;
    });
  const ids = () => [...state.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  return { response, state, ids, abort: () => aborting.abort() };
}

async function newToken(rights: { readonly owner?: string } = {}): Promise<Record<string, string>> {
  const { text, ...token } = storedToken({ scopes: ["events:read"], ...rights });
  await api.plane.tokens.insert(token);
  return { authorization: `Bearer ${text}` };
}

it("streams what there is, then what comes, each with its number and as the list shows it", async () => {
  await log(2);
  const { response, state, ids } = await stream();
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("content-encoding")).toBeNull();
  await vi.waitFor(() => expect(ids()).toEqual([1, 2]));
  await log();
  api.plane.feed.wake();
  await vi.waitFor(() => expect(ids()).toEqual([1, 2, 3]));
  const [first = ""] = state.text.split("\n").filter((line) => line.startsWith("data: "));
  const list = await fetch(`${api.baseUrl}/api/events?limit=1`, { headers: { authorization: `Bearer ${api.secret}` } });
  expect(await list.json()).toEqual({ events: [JSON.parse(first.slice("data: ".length))] });
});

it("goes on behind the event that the caller has, whatever the query says", async () => {
  await log(5);
  const { ids } = await stream("?after=1", { "last-event-id": "3" });
  await vi.waitFor(() => expect(ids()).toEqual([4, 5]));
});

it("streams what fits alone", async () => {
  await log(1, { keyId: 7 });
  await log(1, { keyId: 8 });
  const { ids } = await stream("?key_id=8");
  await vi.waitFor(() => expect(ids()).toEqual([2]));
});

it("looks by itself when nobody says that there is something new", async () => {
  const { ids } = await stream();
  await log();
  await vi.waitFor(() => expect(ids()).toEqual([1]));
});

it("refuses an id that no event has, and more streams than there is room for, until one ends", async () => {
  expect((await stream("", { "last-event-id": "x" })).response.status).toBe(400);
  const token = await newToken();
  const streams = [await stream(), await stream(), await stream(), await stream("", token)];
  const refused = await stream("", token);
  expect(refused.response.status).toBe(503);
  await vi.waitFor(() => expect(refused.state.text).toContain("as many callers as it can"));
  streams[0]?.abort();
  await vi.waitFor(async () => expect((await stream()).response.status).toBe(200));
});

it("leaves room to others where one caller opens as many streams as it may, and where one owner's tokens do", async () => {
  const [one, other] = [await newToken({ owner: "reseller" }), await newToken({ owner: "reseller" })];
  const streams = [await stream("", one), await stream("", other), await stream("", one)];
  const refused = await stream("", other);
  expect(refused.response.status).toBe(503);
  await vi.waitFor(() => expect(refused.state.text).toContain("to one caller 3 times at once"));
  expect((await stream()).response.status).toBe(200);
  streams[0]?.abort();
  await vi.waitFor(async () => expect((await stream("", other)).response.status).toBe(200));
});

it("cuts off a caller who takes nothing for half a minute", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  try {
    await log(6_000, { data: { key: { note: "x".repeat(2_000) } } });
    const reader = connect({ host: "127.0.0.1", port: Number(new URL(api.baseUrl).port) }).pause();
    const head = [
      "GET /api/events HTTP/1.1",
      "Host: a",
      `Authorization: Bearer ${api.secret}`,
      "Accept: text/event-stream",
    ];
    reader.write(`${head.join("\r\n")}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await vi.advanceTimersByTimeAsync(STALLED_READER_MS - 2_000);
    expect(api.finished).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(api.finished).toHaveLength(1));
    reader.destroy();
  } finally {
    vi.useRealTimers();
  }
});

it("keeps no place for callers who went before they were let in", async () => {
  await api.close();
  let letIn: () => void = () => undefined;
  const isLetIn = new Promise<null>((resolve) => {
    letIn = () => resolve(null);
  });
  const take = vi.fn<() => Promise<null>>(() => isLetIn);
  api = await startInMemoryApi({ rate: { take } });
  const gone = [stream(), stream(), stream()].map((opened) => opened.catch(() => undefined));
  await vi.waitFor(() => expect(take).toHaveBeenCalledTimes(3));
  for (const aborting of open.splice(0)) aborting.abort();
  await Promise.all(gone);
  await vi.waitFor(() => expect(api.finished).toHaveLength(3));
  letIn();
  await vi.waitFor(async () => expect((await stream()).response.status).toBe(200));
});

it("ends when the service stops", async () => {
  const { state } = await stream();
  await vi.waitFor(() => expect(state.text).toContain("retry: "));
  api.plane.feed.stop();
  await vi.waitFor(() => expect(state.isOver).toBe(true));
  expect((await stream()).response.status).toBe(503);
});

it("ends within two seconds when the caller's token is taken back", ON_A_BUSY_MACHINE, async () => {
  const { text, ...token } = storedToken({ scopes: ["events:read"] });
  await api.plane.tokens.insert(token);
  const { response, state } = await stream("", { authorization: `Bearer ${text}` });
  expect(response.status).toBe(200);
  await api.plane.tokens.remove(token.id);
  await vi.waitFor(() => expect(state.isOver).toBe(true), 2_000);
});

it(
  "ends within two seconds when the secret of the settings is replaced, and not before",
  ON_A_BUSY_MACHINE,
  async () => {
    const named = (name: string) =>
      [{ name, tokens: [`${name}-secret-of-32-characters-or-more`], readOnly: false }] as const;
    let secrets: ReturnType<typeof named> = named("first");
    await api.close();
    api = await startInMemoryApi({ secrets: () => secrets });
    await log();
    const { state, ids } = await stream();
    await vi.waitFor(() => expect(ids()).toEqual([1]));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(state.isOver).toBe(false);
    secrets = named("second");
    await vi.waitFor(() => expect(state.isOver).toBe(true), 2_000);
  },
);

it("ends within two seconds when the caller's token is given to another owner", ON_A_BUSY_MACHINE, async () => {
  const { text, ...token } = storedToken({ scopes: ["events:read"], owner: "shop" });
  await api.plane.tokens.insert(token);
  const { state } = await stream("", { authorization: `Bearer ${text}` });
  await vi.waitFor(() => expect(state.text).toContain("retry: "));
  await api.plane.tokens.replace({ ...token, owner: "bazaar", revision: token.revision + 1 }, token.revision);
  await vi.waitFor(() => expect(state.isOver).toBe(true), 2_000);
});

it(
  "ends in time however soon before the change another request has looked the token up",
  ON_A_BUSY_MACHINE,
  async () => {
    const { text, ...token } = storedToken({ scopes: ["events:read"] });
    const { tokens } = api.plane;
    await tokens.insert(token);
    const authorization = `Bearer ${text}`;
    const ask = () => fetch(`${api.baseUrl}/api/keys`, { headers: { authorization } });
    await ask();
    // So that the others look it up right after each look of the stream, which finds it known for another second.
    await sleep(950);
    const { state } = await stream("", { authorization });
    const asking = setInterval(() => void ask(), 10);
    let [looks, deletedAt] = [0, 0];
    tokens.beforeStep = async () => {
      looks += 1;
      if (looks !== 2) return;
      deletedAt = performance.now();
      setImmediate(() => void tokens.remove(token.id));
    };
    await vi.waitFor(() => expect(state.isOver).toBe(true), { interval: 10 });
    clearInterval(asking);
    expect(looks).toBeGreaterThan(2);
    expect(performance.now() - deletedAt).toBeLessThan(1_800);
  },
);

it("leaves its place to others when the token of a caller is taken back who reads nothing", async () => {
  await log(6_000, { data: { key: { note: "x".repeat(2_000) } } });
  const { text, ...token } = storedToken({ scopes: ["events:read"] });
  await api.plane.tokens.insert(token);
  const headers = { authorization: `Bearer ${text}`, accept: "text/event-stream" };
  const unread = await fetch(`${api.baseUrl}/api/events`, { headers });
  expect(unread.status).toBe(200);
  const others = [await stream("?after=6000"), await stream("?after=6000")];
  expect(others.map(({ response }) => response.status)).toEqual([200, 200]);
  await api.plane.tokens.remove(token.id);
  await vi.waitFor(async () => expect((await stream("?after=6000")).response.status).toBe(200));
  await unread.body?.cancel().catch(() => undefined);
});

it("reads no further while the caller takes nothing", async () => {
  await log(6_000, { data: { key: { note: "x".repeat(2_000) } } });
  let reads = 0;
  const { read } = api.plane.events;
  api.plane.events.read = (query) => {
    reads += 1;
    return read.call(api.plane.events, query);
  };
  const response = await fetch(`${api.baseUrl}/api/events`, {
    headers: { authorization: `Bearer ${api.secret}`, accept: "text/event-stream" },
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(reads).toBeLessThan(25);
  await response.body?.cancel();
});
