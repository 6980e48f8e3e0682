import { once } from "node:events";
import type { Readable } from "node:stream";
import { isDeepStrictEqual, promisify } from "node:util";
import { gunzip } from "node:zlib";
import { countDocuments } from "@veil/mongo";
import { type Extract, extract } from "tar-stream";
import { ArchiveDamagedError, type Head, HEAD_ENTRY, kindOf, parseComplete, parseHead } from "./archive-entries.ts";
import type { BackedUpSecrets, SecretName } from "./secret-files.ts";

const uncompressed = promisify(gunzip);
/** Parts are a few megabytes and one document large; a document has 16 MiB at most. */
const LARGEST_PART_BYTES = 64 * 1_048_576;

export interface ArchiveReport {
  readonly head: Head;
  readonly secrets: BackedUpSecrets;
  /** Documents by collection. */
  readonly documents: Readonly<Record<string, number>>;
}

/**
 * Reads an archive to its end.
 *
 * @param onDocuments is given the documents as they come, before it is known whether all of them are there
 * @throws {ArchiveDamagedError}
 */
export async function readArchive(
  input: Readable,
  onDocuments: (collection: string, bson: Uint8Array) => Promise<void>,
): Promise<ArchiveReport> {
  const secrets: Partial<Record<SecretName, string>> = {};
  const documents: Record<string, number> = {};
  let head: Head | null = null;
  let complete: Readonly<Record<string, number>> | null = null;
  for await (const { name, content } of entriesOf(input)) {
    if (head === null && name !== HEAD_ENTRY) throw new ArchiveDamagedError("this is no backup of Veil");
    const entry = kindOf(name);
    if (entry.kind === "head") head = parseHead(content);
    else if (entry.kind === "complete") complete = parseComplete(content);
    else if (entry.kind === "secret") secrets[entry.name] = Buffer.from(content).toString().trim();
    else {
      const bson = await uncompressed(content, { maxOutputLength: LARGEST_PART_BYTES }).catch(damaged);
      documents[entry.collection] = (documents[entry.collection] ?? 0) + countOf(bson);
      await onDocuments(entry.collection, bson);
    }
  }
  if (head === null || complete === null || !isDeepStrictEqual(complete, documents)) {
    throw new ArchiveDamagedError("the backup is incomplete: it was cut off while it was written or copied");
  }
  return { head, secrets, documents };
}

async function* entriesOf(input: Readable): AsyncGenerator<{ readonly name: string; readonly content: Uint8Array }> {
  const archive = extract();
  const fed = feed(input, archive);
  try {
    for await (const entry of archive) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
      yield { name: entry.header.name, content: Buffer.concat(chunks) };
    }
  } catch (error) {
    if (error instanceof ArchiveDamagedError) throw error;
    return damaged(error);
  } finally {
    archive.destroy();
    input.destroy();
  }
  await fed;
}

async function feed(input: Readable, archive: Extract): Promise<void> {
  try {
    for await (const chunk of input) {
      if (!archive.write(chunk)) await once(archive, "drain");
    }
    archive.end(undefined);
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function countOf(bson: Uint8Array): number {
  try {
    return countDocuments(bson);
  } catch (error) {
    return damaged(error);
  }
}

function damaged(cause: unknown): never {
  throw new ArchiveDamagedError("the backup is damaged", { cause });
}
