import { z } from "zod";
import { type SecretName, secretName } from "./secret-files.ts";

/** Thrown when an archive is incomplete, or is none of ours. */
export class ArchiveDamagedError extends Error {
  override readonly name = "ArchiveDamagedError";
}

export const HEAD_ENTRY = "veil-backup.json";
export const COMPLETE_ENTRY = "complete.json";
export const FORMAT = 1;

const headSchema = z.object({ format: z.literal(FORMAT), at: z.iso.datetime() });
/** The first entry: when an archive was written. */
export type Head = z.infer<typeof headSchema>;

const completeSchema = z.object({ documents: z.record(z.string(), z.number().int().positive()) });

export type EntryKind =
  | { readonly kind: "head" }
  | { readonly kind: "complete" }
  | { readonly kind: "secret"; readonly name: SecretName }
  | { readonly kind: "documents"; readonly collection: string };

/** The kind of the entry of this name. @throws {ArchiveDamagedError} when it is none of ours */
export function kindOf(entry: string): EntryKind {
  if (entry === HEAD_ENTRY) return { kind: "head" };
  if (entry === COMPLETE_ENTRY) return { kind: "complete" };
  const { collection } = /^veil\/(?<collection>[a-z][a-z0-9_]*)\/\d{6,}\.bson\.gz$/.exec(entry)?.groups ?? {};
  if (collection !== undefined) return { kind: "documents", collection };
  const name = secretName.safeParse(/^secrets\/(.*)$/.exec(entry)?.[1]);
  if (name.success) return { kind: "secret", name: name.data };
  throw new ArchiveDamagedError(`this is no backup of this version: it holds ${JSON.stringify(entry)}`);
}

/** The first entry of an archive. @throws {ArchiveDamagedError} when it is none of ours */
export function parseHead(content: Uint8Array): Head {
  return parsed(headSchema, content, "this is no backup, or one of a newer version");
}

/** @returns documents by collection */
export function parseComplete(content: Uint8Array): Readonly<Record<string, number>> {
  return parsed(completeSchema, content, "the end of the backup can't be read").documents;
}

function parsed<T>(schema: z.ZodType<T>, content: Uint8Array, problem: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(content).toString()));
  } catch (cause) {
    throw new ArchiveDamagedError(problem, { cause });
  }
}
