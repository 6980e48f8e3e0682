import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings, SettingsError } from "@veil/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RecordingLog } from "../test/in-memory/recording-log.ts";
import { ReloadedSecrets } from "./reloaded-secrets.ts";
import { apiSecretSettings, apiSecrets } from "./settings.ts";

const [FORMER, LATTER] = ["former-secret-of-32-characters-001", "latter-secret-of-32-characters-001"];
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "api-secrets-"));
  file = join(directory, "api-secret-key");
  await writeFile(file, `${FORMER}\n`);
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const tokensOf = ({ current }: ReloadedSecrets) => current().flatMap(({ tokens }) => tokens);

it("takes what the file of a secret says now", async () => {
  const log = new RecordingLog();
  const env = { API_SECRET_KEY_FILE: file };
  const secrets = new ReloadedSecrets(() => apiSecrets(readSettings(apiSecretSettings, { program: "api", env })), log);
  const before = secrets.current();
  secrets.reload();
  expect(secrets.current()).toBe(before);
  expect(log.lines).toEqual([]);

  await writeFile(file, `${FORMER},shop:${LATTER}`);
  secrets.reload();
  expect(tokensOf(secrets)).toEqual([FORMER, LATTER, `shop:${LATTER}`]);
  // As Kubernetes does it: another file in the place of this one.
  await writeFile(`${file}.new`, LATTER);
  await rename(`${file}.new`, file);
  secrets.reload();
  expect(tokensOf(secrets)).toEqual([LATTER]);
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { secrets: 2, names: ["shop"] },
    { secrets: 1, names: [] },
  ]);
  expect(JSON.stringify(log.lines)).not.toContain(LATTER);
});

it("keeps the secrets of before while the file can't be taken", async () => {
  const env = { API_SECRET_KEY_FILE: file };
  const secrets = new ReloadedSecrets(
    () => apiSecrets(readSettings(apiSecretSettings, { program: "api", env })),
    new RecordingLog(),
  );
  for (const content of ["", "short"]) {
    await writeFile(file, content);
    expect(() => secrets.reload()).toThrow(SettingsError);
    expect(tokensOf(secrets)).toEqual([FORMER]);
  }
});
