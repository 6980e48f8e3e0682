import { freePort, isListening } from "@veil/engines";
import { makeRealityKeys, realityPublicKey } from "@veil/xray-config";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { z } from "zod";
import { parseJson } from "./parse-json.ts";
import type { StackSettings } from "./settings.ts";
import { StackStartError } from "./stack-context.ts";

const identitySchema = z.object({
  privateKey: z.string().length(43),
  port: z.number().int().min(1).max(65_535),
});

/** This server's identity in share links: they stay valid as long as it stays the same. */
export interface RealityIdentity {
  privateKey: string;
  publicKey: string;
  /** Port of the VLESS inbound. */
  port: number;
}

/**
 * The keys and the port of the settings, else those of earlier starts, else new ones; kept in `file` with mode 0600.
 *
 * @throws {StackStartError} when the file is damaged or the port is taken.
 */
export async function ensureRealityIdentity(file: string, settings: StackSettings): Promise<RealityIdentity> {
  const stored = await readRealityFile(file);
  const identity = {
    privateKey: settings.REALITY_PRIVATE_KEY ?? stored?.privateKey ?? makeRealityKeys().privateKey,
    port: settings.REALITY_PORT ?? stored?.port ?? (await freePort()),
  };
  if (await isListening(identity.port)) {
    throw new StackStartError(
      `Port ${identity.port} of the VLESS inbound, which the links given out carry, is taken by another program. Free it, or set REALITY_PORT to another one.`,
    );
  }
  if (identity.privateKey !== stored?.privateKey || identity.port !== stored.port) {
    await writePrivateFile(file, `${JSON.stringify(identity, null, 2)}\n`);
  }
  return { ...identity, publicKey: realityPublicKey(identity.privateKey) };
}

/**
 * What earlier starts kept; undefined where none did.
 *
 * @throws {StackStartError} when the file is damaged
 */
export async function readRealityFile(file: string): Promise<z.infer<typeof identitySchema> | undefined> {
  const text = await readFileIfThere(file);
  if (text === null) return undefined;
  const stored = identitySchema.safeParse(parseJson(text));
  if (stored.success) return stored.data;
  // Making a new key over a damaged one would end every link in use without a word.
  throw new StackStartError(
    `${file} is damaged: it has to be {"privateKey": "…", "port": …}, a key of 43 characters and a port from 1 to 65535. Restore it, or remove it and hand out new links.`,
  );
}
