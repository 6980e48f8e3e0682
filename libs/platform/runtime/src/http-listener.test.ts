import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { closeHttp, ListenError, listenHttp } from "./http-listener.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const servers = new Set<ReturnType<typeof createServer>>();

function serverThat(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response));
  servers.add(server);
  return server;
}

afterEach(async () => {
  await Promise.all([...servers].map((server) => closeHttp(server, AbortSignal.abort())));
  servers.clear();
});

describe("listenHttp", () => {
  it("takes a free port for 0 and gives a URL that reaches it", async () => {
    const { port, url } = await listenHttp(
      serverThat((response) => response.end("here")),
      LOOPBACK,
    );
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(await (await fetch(url)).text()).toBe("here");
  });

  it("gives a loopback URL for every interface", async () => {
    const { port, url } = await listenHttp(
      serverThat((response) => response.end()),
      { host: "0.0.0.0", port: 0 },
    );
    expect(url).toBe(`http://127.0.0.1:${port}`);
  });

  it("throws a ListenError that names the address when the port is taken", async () => {
    const { port } = await listenHttp(
      serverThat((response) => response.end()),
      LOOPBACK,
    );
    const second = listenHttp(
      serverThat((response) => response.end()),
      { host: "127.0.0.1", port },
    );
    await expect(second).rejects.toBeInstanceOf(ListenError);
    await expect(second).rejects.toMatchObject({
      host: "127.0.0.1",
      port,
      code: "EADDRINUSE",
      message: `cannot listen on 127.0.0.1:${port}: the port is taken by another process`,
    });
  });

  it("throws a ListenError when the host is not this machine's", async () => {
    const server = serverThat((response) => response.end());
    await expect(listenHttp(server, { host: "203.0.113.1", port: 0 })).rejects.toMatchObject({
      code: "EADDRNOTAVAIL",
    });
  });
});

describe("closeHttp", () => {
  it("lets a request in progress finish", async () => {
    const held: ServerResponse[] = [];
    const server = serverThat((response) => void held.push(response));
    const { url } = await listenHttp(server, LOOPBACK);
    const answer = fetch(url);
    await once(server, "request");
    const closed = closeHttp(server);
    held[0]?.end("done");
    expect(await (await answer).text()).toBe("done");
    await closed;
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it("closes a kept-alive connection as soon as its request is answered", async () => {
    const held: ServerResponse[] = [];
    const server = serverThat((response) => void held.push(response));
    // Without an end of its own, the connection would stay for ever.
    server.keepAliveTimeout = 0;
    const { url } = await listenHttp(server, LOOPBACK);
    const [early, late] = [fetch(url), fetch(url)];
    await vi.waitUntil(() => held.length === 2, { interval: 1 });
    held[0]?.write("headers are sent");
    await Promise.race([early, late]);
    const closed = closeHttp(server);
    for (const response of held) response.end();
    const answers = await Promise.all([early, late]);
    expect(new Set(answers.map(({ headers }) => headers.get("connection")))).toEqual(new Set(["close", "keep-alive"]));
    await Promise.all(answers.map((answer) => answer.text()));
    await closed;
  });

  it("cuts requests in progress off at the deadline signal", async () => {
    const server = serverThat(() => undefined);
    const { url } = await listenHttp(server, LOOPBACK);
    const answer = fetch(url);
    await once(server, "request");
    const deadlineSignal = new AbortController();
    const closed = closeHttp(server, deadlineSignal.signal);
    deadlineSignal.abort();
    await expect(answer).rejects.toThrow("fetch failed");
    await closed;
  });

  it("does nothing on a server that does not listen", async () => {
    await expect(closeHttp(createServer())).resolves.toBeUndefined();
  });
});
