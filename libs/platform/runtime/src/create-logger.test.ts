import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createLogger, type LoggerOptions } from "./create-logger.ts";

const record = z.looseObject({ level: z.string(), time: z.iso.datetime(), msg: z.string().optional() });

function logTo(lines: string[], options: Partial<LoggerOptions> = {}) {
  const destination = { write: (line: string) => void lines.push(line) };
  return createLogger({ service: "api", version: "1.2.3", level: "trace", pretty: false, destination, ...options });
}

function recordsOf(lines: readonly string[]) {
  return lines.map((line) => record.parse(JSON.parse(line)));
}

const UUID = "2f0d5e0c-6a3b-4f44-9a8e-1f2d3c4b5a69";
const SECRETS = [UUID, "p4ssw0rd", "S3CRET-KEY", "yBaw532IIUNuQWDTncozoBaLJmcd1JZzvsHUgVPxMk8"];
const [, PASSWORD, API_KEY, PRIVATE_KEY] = SECRETS;

describe("createLogger", () => {
  it("writes one JSON object per line with level as text, ISO time, service, version and pid", () => {
    const lines: string[] = [];
    logTo(lines).info({ key_id: 7 }, "key created");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\}\n$/);
    expect(recordsOf(lines)[0]).toMatchObject({
      level: "info",
      service: "api",
      version: "1.2.3",
      pid: process.pid,
      key_id: 7,
      msg: "key created",
    });
  });

  it("leaves out what is below the level", () => {
    const lines: string[] = [];
    const log = logTo(lines, { level: "warn" });
    log.info("no");
    log.warn("yes");
    logTo(lines, { level: "silent" }).fatal("no");
    expect(recordsOf(lines).map(({ msg }) => msg)).toEqual(["yes"]);
  });

  it("writes errors with their type, stack and causes", () => {
    const lines: string[] = [];
    const err = new TypeError("outer", { cause: new Error("inner") });
    logTo(lines).error({ err }, "job failed");
    expect(recordsOf(lines)[0]?.["err"]).toMatchObject({ type: "TypeError", message: "outer: inner" });
  });

  it.each<[string, (log: ReturnType<typeof logTo>) => void]>([
    ["a message", (log) => log.info(`link vless://${UUID}@h:443 made`)],
    ["a formatted message", (log) => log.info("connected to %s", `redis://:${PASSWORD}@h`)],
    ["a field", (log) => log.info({ uuid: UUID, password: PASSWORD, apiKey: API_KEY, private_key: PRIVATE_KEY }, "x")],
    ["a deep field", (log) => log.info({ a: { b: { c: [{ d: { API_SECRET_KEY: API_KEY } }] } } }, "x")],
    ["request headers", (log) => log.info({ req: { headers: { authorization: `Bearer ${API_KEY}` } } }, "x")],
    ["a text that quotes a header", (log) => log.info({ raw: `authorization: Bearer ${API_KEY}` }, "x")],
    ["a child's bindings", (log) => log.child({ uuid: UUID, uri: `mongodb://u:${PASSWORD}@h/db` }).info("x")],
    ["an error's message", (log) => log.error({ err: new Error(`no route to redis://:${PASSWORD}@h:6379`) }, "x")],
    ["an error without a field", (log) => log.error(new Error(`user vless://${UUID}@h exists`))],
    ["an error under another name", (log) => log.error({ failure: { message: `mongodb://u:${PASSWORD}@h` } }, "x")],
    ["a cause", (log) => log.error({ err: new Error("x", { cause: new Error(`http://u:${PASSWORD}@h`) }) }, "x")],
    ["an error's own fields", (log) => log.error({ err: Object.assign(new Error("x"), { config: { uuid: UUID } }) })],
    ["an aggregate", (log) => log.error({ err: new AggregateError([new Error(`redis://:${PASSWORD}@h`)]) }, "x")],
    ["an Xray config in a text", (log) => log.info({ out: `{"privateKey":"${PRIVATE_KEY}"}` }, "x")],
    ["a path", (log) => log.info({ path: `/api/keys/${UUID}/traffic` }, "request")],
  ])("keeps secrets out of %s", (_, write) => {
    for (const pretty of [false, true]) {
      const lines: string[] = [];
      write(logTo(lines, { pretty }));
      const text = lines.join("");
      expect(text).toContain("[redacted]");
      for (const secret of SECRETS) expect(text).not.toContain(secret);
    }
  });

  it("writes for a person when asked to", () => {
    const lines: string[] = [];
    logTo(lines, { pretty: true }).info({ key_id: 7 }, "key created");
    expect(lines.join("")).toContain("key created");
    expect(lines.join("")).not.toMatch(/^\{/);
  });
});
