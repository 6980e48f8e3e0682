import { readFileIfThere } from "@veil/runtime";
import { z } from "zod";
import { ChildRegistry } from "./child-registry.ts";
import type { DataDirectory } from "./data-directory.ts";
import { parseJson } from "./parse-json.ts";

const runFileSchema = z.object({ mongodb: z.object({ pid: z.number().nullable(), uri: z.string() }) });

/**
 * Where MongoDB listens as long as `npm start` runs. One that was killed, or went with its machine, leaves its file.
 *
 * @returns null where none is known to run: the lock of the data directory tells whether a system does
 */
export async function runningMongodb({
  runFile,
  childrenFile,
}: Pick<DataDirectory, "runFile" | "childrenFile">): Promise<string | null> {
  const text = await readFileIfThere(runFile).catch(() => null);
  const content = runFileSchema.safeParse(parseJson(text ?? ""));
  if (!content.success) return null;
  const { pid, uri } = content.data.mongodb;
  return pid === null || (await new ChildRegistry(childrenFile).isRunning("mongodb", pid)) ? uri : null;
}
