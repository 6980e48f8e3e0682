import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Environment, readSettings } from "./read-settings.ts";
import { runtimeSettings } from "./common-settings.ts";
import { commaList, port, url } from "./setting-types.ts";
import { SettingsError } from "./settings-error.ts";

const folder = mkdtempSync(join(tmpdir(), "settings-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const secretKey = z
  .string()
  .min(32, "must have at least 32 characters")
  .meta({ secret: true, example: "<32 random characters>" });

const schema = z.object({
  API_PORT: port().default(8000),
  REDIS_URL: url(["redis"]).default("redis://127.0.0.1:6379"),
  DOMAIN: z.string().meta({ example: "vpn.example.org" }),
  API_SECRET_KEY: secretKey,
  CORS_ORIGINS: commaList().optional(),
});

const GOOD_KEY = "k".repeat(32);
const good = { DOMAIN: "vpn.example", API_SECRET_KEY: GOOD_KEY };

function read(env: Environment) {
  return readSettings(schema, { program: "api", env });
}

function readFaulty(env: Environment, of: z.ZodObject = schema): SettingsError {
  try {
    readSettings(of, { program: "api", env });
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("the settings were taken");
}

describe("readSettings", () => {
  it.each([
    [z.string().max(3), "long", "must have at most 3 characters"],
    [z.string().min(9), "short", "must have at least 9 characters"],
    [z.coerce.number().max(3), "4", "must be at most 3"],
    [z.coerce.number(), "four", "must be of type number"],
    [commaList().pipe(z.array(z.string()).max(1)), "a,b", "must have at most 1 entries"],
    [
      z
        .string()
        .transform((text) => JSON.parse(text))
        .pipe(z.array(z.object({ port: z.number().max(9) }))),
      '[{"port":10}]',
      "must be at most 9 at 0.port",
    ],
    [z.string().max(3, "is too long for apps"), "long", "is too long for apps"],
  ])("says in plain words what a schema without words of its own refuses (%#)", (setting, value, fault) => {
    const { problems } = readFaulty({ SETTING: value }, z.object({ SETTING: setting }));
    expect(problems).toMatchObject([{ name: "SETTING", problem: `${fault}, not ${JSON.stringify(value)}` }]);
  });

  it("gives typed values, with defaults for what is not set", () => {
    const settings = read({ ...good, API_PORT: "9000", CORS_ORIGINS: "https://a,https://b" });
    expect(settings).toEqual({
      ...good,
      API_PORT: 9000,
      REDIS_URL: "redis://127.0.0.1:6379",
      CORS_ORIGINS: ["https://a", "https://b"],
    });
  });

  it("takes an empty string as not set", () => {
    expect(read({ ...good, API_PORT: "", CORS_ORIGINS: "" })).toMatchObject({ API_PORT: 8000 });
    expect(readFaulty({ ...good, DOMAIN: "" }).problems[0]?.name).toBe("DOMAIN");
  });

  it("ignores variables that it does not know", () => {
    expect(read({ ...good, PATH: "/bin" })).not.toHaveProperty("PATH");
  });

  it("names every wrong variable with its fault and an example", () => {
    const error = readFaulty({ API_PORT: "80o0", API_SECRET_KEY: GOOD_KEY });
    expect(error.program).toBe("api");
    expect(error.message.split("\n")).toEqual([
      "api: 2 settings are wrong:",
      '  API_PORT must be a whole number from 1 to 65535, not "80o0"; example: API_PORT=8000',
      "  DOMAIN is not set; example: DOMAIN=vpn.example.org",
    ]);
  });

  it("reports a rule over several variables under the name it points at", () => {
    const pair = z.object({ MIN: port(), MAX: port() }).superRefine(({ MIN, MAX }, context) => {
      if (MIN > MAX) context.addIssue({ code: "custom", path: ["MAX"], message: "must not be below MIN" });
    });
    expect(readFaulty({ MIN: "5", MAX: "4" }, pair).problems).toEqual([
      { name: "MAX", problem: 'must not be below MIN, not "4"', example: "8000" },
    ]);
  });

  it("reports a rule that points at no variable", () => {
    const never = z.object({ A: z.string() }).refine(() => false, "A alone is not enough");
    expect(readFaulty({ A: "a" }, never).message).toContain("settings do not fit together: A alone is not enough");
  });

  describe("with secrets", () => {
    const SHORT = "short-Secret";

    it("never shows the value, wherever the metadata stands", () => {
      for (const wrapped of [secretKey, secretKey.default(GOOD_KEY), secretKey.transform((key) => key.split(","))]) {
        const { message } = readFaulty({ KEY: SHORT }, z.object({ KEY: wrapped }));
        expect(message).toContain("KEY must have at least 32 characters; example: KEY=<32 random characters>");
        expect(message).not.toContain(SHORT);
      }
    });

    it("takes the value out of a message that quotes it", () => {
      const quoting = z.string().superRefine((value, context) => context.addIssue(`${value} is no good`));
      const { message } = readFaulty({ KEY: SHORT }, z.object({ KEY: quoting.meta({ secret: true }) }));
      expect(message).toContain("[secret] is no good");
      expect(message).not.toContain(SHORT);
    });

    it("never shows a connection string, whose password may be what is wrong with it", () => {
      const { message } = readFaulty({ ...good, REDIS_URL: "redis://:p4ss word@host" });
      expect(message).toContain("REDIS_URL must be a URL that starts with redis://");
      expect(message).not.toContain("p4ss");
    });
  });

  describe("with files", () => {
    it("takes the trimmed content of the file that <NAME>_FILE names", () => {
      const env = { DOMAIN: "vpn.example", API_SECRET_KEY_FILE: file("key", `${GOOD_KEY}\n`) };
      expect(read(env).API_SECRET_KEY).toBe(GOOD_KEY);
    });

    it("refuses a variable that is set in both ways", () => {
      const { problems } = readFaulty({ ...good, API_SECRET_KEY_FILE: file("both", GOOD_KEY) });
      expect(problems).toEqual([
        { name: "API_SECRET_KEY", problem: "and API_SECRET_KEY_FILE are both set; set one of them" },
      ]);
    });

    it("names a file that cannot be read, and one that is empty, once", () => {
      const missing = readFaulty({ DOMAIN: "d", API_SECRET_KEY_FILE: join(folder, "missing") });
      expect(missing.problems).toHaveLength(1);
      expect(missing.message).toContain("API_SECRET_KEY_FILE names a file that cannot be read");
      expect(missing.message).toContain("ENOENT");
      const empty = readFaulty({ DOMAIN: "d", API_SECRET_KEY_FILE: file("empty", " \n") });
      expect(empty.message).toContain("API_SECRET_KEY_FILE names an empty file");
    });

    it("does not show what is in the file", () => {
      const { message } = readFaulty({ DOMAIN: "d", API_SECRET_KEY_FILE: file("bad", "short-Secret") });
      expect(message).not.toContain("short-Secret");
    });

    it("lets a variable of the schema that ends in _FILE be a setting of its own", () => {
      const both = z.object({ XRAY_CONFIG: z.string().optional(), XRAY_CONFIG_FILE: z.string() });
      const settings = readSettings(both, { program: "x", env: { XRAY_CONFIG_FILE: "/etc/xray.json" } });
      expect(settings.XRAY_CONFIG_FILE).toBe("/etc/xray.json");
    });
  });
});

describe("runtimeSettings", () => {
  it("has a default for everything", () => {
    const settings = readSettings(z.object(runtimeSettings({ metricsPort: 9101 })), { program: "x", env: {} });
    expect(settings).toEqual({
      LOG_LEVEL: "info",
      METRICS_HOST: "0.0.0.0",
      METRICS_PORT: 9101,
      SHUTDOWN_DEADLINE_MS: 10_000,
    });
  });
});
