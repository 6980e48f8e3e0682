import { inflateRawSync } from "node:zlib";

const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const CENTRAL_ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

/**
 * The content of one file in a zip archive whose checksum was verified before. Reads what release archives are made of:
 * stored and deflated entries, one volume, below 4 GB. (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.)
 *
 * @throws RangeError when there is no such entry or no such archive.
 */
export function unzipEntry(archive: Buffer, name: string): Buffer {
  for (const entry of centralDirectory(archive)) {
    if (entry.name === name) return contentOf(archive, entry);
  }
  throw new RangeError(`the archive holds no ${name}`);
}

interface Entry {
  name: string;
  method: number;
  compressedSize: number;
  localHeaderAt: number;
}

function* centralDirectory(archive: Buffer): Generator<Entry> {
  const endAt = archive.lastIndexOf(littleEndian(END_OF_CENTRAL_DIRECTORY));
  if (endAt < 0) throw new RangeError("not a zip archive");
  let at = archive.readUInt32LE(endAt + 16);
  while (archive.readUInt32LE(at) === CENTRAL_ENTRY) {
    const nameLength = archive.readUInt16LE(at + 28);
    yield {
      name: archive.toString("utf8", at + 46, at + 46 + nameLength),
      method: archive.readUInt16LE(at + 10),
      compressedSize: archive.readUInt32LE(at + 20),
      localHeaderAt: archive.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
}

function contentOf(archive: Buffer, { method, compressedSize, localHeaderAt }: Entry): Buffer {
  const nameLength = archive.readUInt16LE(localHeaderAt + 26);
  const extraLength = archive.readUInt16LE(localHeaderAt + 28);
  const from = localHeaderAt + 30 + nameLength + extraLength;
  const bytes = archive.subarray(from, from + compressedSize);
  if (method === STORED) return bytes;
  if (method === DEFLATED) return inflateRawSync(bytes);
  throw new RangeError(`compression method ${method} is not supported`);
}

function littleEndian(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}
