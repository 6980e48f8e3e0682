import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { DocumentsPart } from "@veil/mongo";
import { type Pack, pack } from "tar-stream";
import { COMPLETE_ENTRY, FORMAT, HEAD_ENTRY, type Head } from "./archive-entries.ts";
import type { BackedUpSecrets } from "./secret-files.ts";

const compressed = promisify(gzip);
const PRIVATE_MODE = 0o600;

/** The parts of an archive. */
export interface ArchiveContent {
  readonly head: Omit<Head, "format">;
  readonly secrets: BackedUpSecrets;
  readonly parts: AsyncIterable<DocumentsPart>;
}

/**
 * Writes an archive as it is read, a few megabytes of it in memory at a time. Its last entry says how much there is, so that one
 * that was cut off is found out.
 *
 * @returns documents by collection
 */
export async function writeArchive(
  content: ArchiveContent,
  output: Writable,
): Promise<Readonly<Record<string, number>>> {
  const archive = pack();
  const written = drainInto(archive, output);
  try {
    const counts = await fill(archive, content);
    archive.finalize();
    await written;
    return counts;
  } catch (error) {
    archive.destroy();
    await written.catch(() => undefined);
    throw error;
  }
}

async function fill(archive: Pack, { head, secrets, parts }: ArchiveContent): Promise<Record<string, number>> {
  const mtime = new Date(head.at);
  const add = (name: string, bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      const header = { name, size: bytes.length, mode: PRIVATE_MODE, mtime };
      const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
      entry.end(bytes);
    });
  await add(HEAD_ENTRY, json({ format: FORMAT, ...head }));
  for (const [name, value] of Object.entries(secrets)) await add(`secrets/${name}`, Buffer.from(`${value}\n`));
  const counts: Record<string, number> = {};
  let number = 0;
  for await (const { collection, count, bson } of parts) {
    number += 1;
    await add(`veil/${collection}/${String(number).padStart(6, "0")}.bson.gz`, await compressed(bson));
    counts[collection] = (counts[collection] ?? 0) + count;
  }
  await add(COMPLETE_ENTRY, json({ documents: counts }));
  return counts;
}

async function drainInto(archive: Pack, output: Writable): Promise<void> {
  for await (const chunk of archive) {
    await new Promise<void>((resolve, reject) => {
      output.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function json(content: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(content)}\n`);
}
