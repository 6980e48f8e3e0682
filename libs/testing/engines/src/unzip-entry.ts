import { unzipSync } from "fflate";

const STORED = 0;
const DEFLATED = 8;
const END_OF_CENTRAL_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);

/**
 * The content of one file in a zip archive whose checksum was verified before.
 *
 * @throws {RangeError} when it is no zip archive, holds no such file, or holds it neither stored nor deflated.
 */
export function unzipEntry(archive: Buffer, name: string): Buffer {
  if (!archive.includes(END_OF_CENTRAL_DIRECTORY)) throw new RangeError("not a zip archive");
  const files = unzipSync(archive, {
    filter: (entry) => {
      if (entry.name !== name) return false;
      if (entry.compression === STORED || entry.compression === DEFLATED) return true;
      throw new RangeError(`compression method ${entry.compression} is not supported`);
    },
  });
  const content = files[name];
  if (content === undefined) throw new RangeError(`the archive holds no ${name}`);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
