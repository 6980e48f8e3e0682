import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { isTlsTargetReachable, startTlsDecoy } from "./tls-decoy.ts";

test("the decoy speaks TLS 1.3 until it is closed, also while a visitor keeps a connection open", async () => {
  const decoy = await startTlsDecoy({ serverName: "www.example.com" });
  const target = `127.0.0.1:${decoy.port}`;
  const visitor = connect(decoy.port, "127.0.0.1");
  visitor.on("error", () => visitor.destroy());
  expect(await isTlsTargetReachable(target, "www.example.com")).toBe(true);
  await decoy.close();
  expect(await isTlsTargetReachable(target, "www.example.com")).toBe(false);
});

test("a decoy that keeps idle connections greets a trusting visitor with HTTP/2 and leaves the connection open", async () => {
  const decoy = await startTlsDecoy({ serverName: "www.example.com", idle: "keep" });
  const visitor = connectTls({
    host: "127.0.0.1",
    port: decoy.port,
    servername: "www.example.com",
    ALPNProtocols: ["h2", "http/1.1"],
    ca: decoy.certificate,
  });
  visitor.on("error", () => visitor.destroy());
  await once(visitor, "data");
  await delay(300);
  expect(visitor.alpnProtocol).toBe("h2");
  expect(visitor.closed || visitor.readableEnded).toBe(false);
  await decoy.close();
});
