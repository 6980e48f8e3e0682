import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { type XrayClient, type XrayConfigOptions, xrayConfig } from "./xray-config.ts";

/**
 * Makes `file` the configuration of `options`. A file that says so already is left as it is; users that stand in an
 * existing one are kept. Mode 0600, written atomically.
 */
export async function ensureXrayConfig(file: string, options: XrayConfigOptions): Promise<void> {
  const existing = await readFileIfThere(file);
  const wanted = xrayConfig(options, existing === null ? [] : clientsOf(existing));
  if (existing !== null && isDeepStrictEqual(parsedOrUndefined(existing), wanted)) return;
  await writePrivateFile(file, `${JSON.stringify(wanted, null, 2)}\n`);
}

const withClientsSchema = z.object({
  inbounds: z
    .array(
      z.object({
        settings: z.object({
          clients: z.array(
            z.looseObject({
              id: z.string(),
              email: z.string().optional(),
              flow: z.string().optional(),
              level: z.number().optional(),
            }),
          ),
        }),
      }),
    )
    .min(1),
});

function clientsOf(text: string): XrayClient[] {
  const found = withClientsSchema.safeParse(parsedOrUndefined(text));
  return found.success ? (found.data.inbounds[0]?.settings.clients ?? []) : [];
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
