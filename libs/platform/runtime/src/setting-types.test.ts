import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  booleanFlag,
  commaList,
  commaListOrOff,
  durationMs,
  logLevel,
  port,
  url,
  wholeNumber,
} from "./setting-types.ts";

function accepts(schema: z.ZodType, value: string): boolean {
  return schema.safeParse(value).success;
}

describe("port", () => {
  it.each(["1", "8000", "65535"])("takes %s", (text) => expect(port().parse(text)).toBe(Number(text)));
  it.each(["0", "65536", "-1", "80a", "8e3", "0x50", "1.5", " ", "80 ", "9".repeat(30)])("refuses %j", (text) =>
    expect(accepts(port(), text)).toBe(false),
  );
  it("takes 0 only where any free port will do", () => {
    expect(port({ anyFree: true }).parse("0")).toBe(0);
  });
});

describe("wholeNumber", () => {
  it("keeps to its range", () => {
    const schema = wholeNumber({ min: -5, max: 5 });
    expect(schema.parse("-5")).toBe(-5);
    expect(accepts(schema, "6")).toBe(false);
    expect(accepts(wholeNumber(), "9007199254740993")).toBe(false);
  });
});

describe("url", () => {
  it.each([
    "redis://127.0.0.1:6379",
    "rediss://user:p%40ss@cache.example:6380/0?family=6",
    "redis://[::1]:6379",
    "REDIS://host",
  ])("takes %s", (text) => expect(url(["redis", "rediss"]).parse(text)).toBe(text));

  it("takes several hosts and an encoded socket path", () => {
    const mongo = url(["mongodb", "mongodb+srv"]);
    expect(accepts(mongo, "mongodb://u:p@a.example:27017,b.example:27018,[::1]:27019/veil?replicaSet=rs0")).toBe(true);
    expect(accepts(mongo, "mongodb://%2Ftmp%2Fmongodb.sock/veil")).toBe(true);
    expect(accepts(mongo, "mongodb+srv://cluster.example/veil")).toBe(true);
  });

  it.each([
    "localhost:6379",
    "http://localhost",
    "redis://",
    "redis://a,,b",
    "redis://host:99999",
    "redis://ho st",
    "redis:/host",
    "redis://:pa/ss@host",
  ])("refuses %s", (text) => expect(accepts(url(["redis", "rediss"]), text)).toBe(false));
});

describe("durationMs", () => {
  it.each([
    ["1500", 1_500],
    ["500ms", 500],
    ["10s", 10_000],
    ["5 m", 300_000],
    ["1h", 3_600_000],
    ["0", 0],
  ])("reads %s as %d ms", (text, ms) => expect(durationMs().parse(text)).toBe(ms));

  it.each(["", "s", "-1", "1.5s", "10d", "1e3", "600h", "toString"])("refuses %j", (text) =>
    expect(accepts(durationMs(), text)).toBe(false),
  );

  it("keeps to its range", () => {
    const schema = durationMs({ min: 100, max: 1_000 });
    expect(accepts(schema, "99")).toBe(false);
    expect(accepts(schema, "1s")).toBe(true);
    expect(accepts(schema, "1001ms")).toBe(false);
  });
});

describe("commaList", () => {
  it("drops the space around entries and empty entries", () => {
    expect(commaList().parse(" a, b ,,c,")).toEqual(["a", "b", "c"]);
    expect(commaList().parse(",")).toEqual([]);
  });

  it("reads every entry with the item's schema", () => {
    expect(commaList(port()).parse("80,443")).toEqual([80, 443]);
    expect(accepts(commaList(port()), "80,none")).toBe(false);
  });
});

describe("commaListOrOff", () => {
  it("reads a list, and off as an empty one", () => {
    expect(commaListOrOff(port()).parse("80, 443")).toEqual([80, 443]);
    expect(["off", " OFF "].map((text) => commaListOrOff(port()).parse(text))).toEqual([[], []]);
    expect(accepts(commaListOrOff(port()), "80,off")).toBe(false);
  });
});

describe("booleanFlag", () => {
  it.each(["true", "YES", "on", "1"])("reads %s as true", (text) => expect(booleanFlag().parse(text)).toBe(true));
  it.each(["false", "No", "OFF", "0"])("reads %s as false", (text) => expect(booleanFlag().parse(text)).toBe(false));
  it.each(["", "2", "ja", "truee"])("refuses %j", (text) => expect(accepts(booleanFlag(), text)).toBe(false));
});

describe("logLevel", () => {
  it("takes the levels of the log and nothing else", () => {
    expect(logLevel().parse("debug")).toBe("debug");
    expect(accepts(logLevel(), "verbose")).toBe(false);
    expect(accepts(logLevel(), "INFO")).toBe(false);
  });
});
