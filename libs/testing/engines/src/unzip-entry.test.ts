import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { unzipEntry } from "./find-xray.ts";

interface Packed {
  name: string;
  method: number;
  bytes: Buffer;
  /** Bytes of the file itself; as many as are packed when absent. */
  unpackedLength?: number;
}

/** A zip archive with what the reader looks at; checksums and dates are left at zero. */
function zip(entries: readonly Packed[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, method, bytes, unpackedLength = bytes.length } of entries) {
    const extra = Buffer.from("extra");
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(extra.length, 28);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(bytes.length, 20);
    central.writeUInt32LE(unpackedLength, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(at, 42);
    locals.push(local, Buffer.from(name), extra, bytes);
    directory.push(central, Buffer.from(name));
    at += local.length + name.length + extra.length + bytes.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

describe("an entry of a zip archive", () => {
  const content = Buffer.from("program ".repeat(1_000));
  const archive = zip([
    { name: "README.md", method: 0, bytes: Buffer.from("read me") },
    { name: "xray", method: 8, bytes: deflateRawSync(content), unpackedLength: content.length },
    { name: "geoip.dat", method: 93, bytes: Buffer.from("zstandard") },
  ]);

  test("is inflated when it is deflated", () => {
    expect(unzipEntry(archive, "xray").equals(content)).toBe(true);
  });

  test("is taken as it is when it is stored", () => {
    expect(unzipEntry(archive, "README.md").toString()).toBe("read me");
  });

  test("that is missing, or packed in another way, is an error", () => {
    expect(() => unzipEntry(archive, "mongod")).toThrow(/holds no mongod/);
    expect(() => unzipEntry(archive, "geoip.dat")).toThrow(/method 93/);
  });

  test("of something that is no archive is an error", () => {
    expect(() => unzipEntry(Buffer.from("<html>not found</html>"), "xray")).toThrow(/not a zip archive/);
  });
});
