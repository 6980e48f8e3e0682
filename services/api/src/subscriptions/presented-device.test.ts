import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import express from "express";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PresentedDevice } from "./device-gate.ts";
import { presentedDevice } from "./presented-device.ts";

let server: Server;
let presented: PresentedDevice;

beforeAll(async () => {
  const app = express();
  app.use((asked, answer) => {
    presented = presentedDevice(asked);
    answer.end();
  });
  server = createServer((asked, answer) => void app(asked, answer)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

/** As an app sends it: the bytes of its headers are those of UTF-8. */
async function present(headers: Readonly<Record<string, string>>, method = "GET"): Promise<PresentedDevice> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text).toString("latin1")]);
  const asked = request({ port: address.port, method, agent: false, headers: Object.fromEntries(bytes) }).end();
  const [answer] = (await once(asked, "response")) as [NodeJS.ReadableStream];
  answer.resume();
  return presented;
}

it("reads what an app says of its device, in any letters", async () => {
  const headers = {
    "x-hwid": "  3f1c9a7b2d ",
    "x-device-os": "Android",
    "x-ver-os": "14",
    "x-device-model": "Телефон 🛡️",
    "user-agent": "Happ/3.7.1",
  };
  expect(await present(headers)).toEqual({
    hardwareId: "3f1c9a7b2d",
    os: "Android",
    osVersion: "14",
    model: "Телефон 🛡️",
    userAgent: "Happ/3.7.1",
    registers: true,
  });
});

it("registers nobody who asks for headers alone, or names nothing", async () => {
  expect(await present({ "x-hwid": "3f1c9a7b2d" }, "HEAD")).toMatchObject({ registers: false });
  const nothing = { os: null, osVersion: null, model: null, userAgent: null };
  for (const blank of [{}, { "x-hwid": "  " }]) {
    expect(await present(blank)).toEqual({ hardwareId: null, ...nothing, registers: true });
  }
});
