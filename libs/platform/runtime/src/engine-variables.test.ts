import { expect, it } from "vitest";
import { z } from "zod";
import { engineVariables } from "./common-settings.ts";
import { readSettings } from "./read-settings.ts";

const read = (url: string) =>
  readSettings(z.object(engineVariables), { program: "api", env: { REDIS_URL: url } }).REDIS_URL;

it.each(["redis://127.0.0.1", "redis://:pw@h:6379/", "rediss://u:p@h:6379/12?family=6", "redis://h?family=6"])(
  "takes %s",
  (url) => expect(read(url)).toBe(url),
);

it("refuses a database of Redis that is no number, without quoting the address", () => {
  expect(() => read("redis://user:geheim@h:6379/veil")).toThrow(/REDIS_URL.*number/);
  expect(() => read("redis://user:geheim@h:6379/veil")).not.toThrow(/geheim/);
});
