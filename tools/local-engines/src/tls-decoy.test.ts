import { connect } from "node:net";
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
