import { createReadStream, createWriteStream, type WriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { lastLines } from "./run-command.ts";

/** A log is cut when it has grown beyond this; its former part, at most twice as long, lies in `<file>.1`. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;
const LOOK_EVERY_MS = 1_000;
const TAIL_BYTES = 8_192;

export interface RotatedLogOptions {
  /** {@link MAX_LOG_BYTES} when absent. */
  readonly maxBytes?: number;
  /** Milliseconds between two looks at the size, within which the log may grow beyond its bound; 1,000 when absent. */
  readonly lookEveryMs?: number;
}

/**
 * A log file that is kept small while a process writes it.
 *
 * The process holds the file open and must be able to outlive this one, so its output can be neither piped nor given
 * another file. The log is therefore copied and emptied in place, and the process, which appends, goes on at the new end.
 * Lines written between the end of the copy and the cut are lost.
 */
export class RotatedLog {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #maxBytes: number;
  readonly #timer: NodeJS.Timeout;
  #startsAt = 0;
  #rotating: Promise<void> = Promise.resolve();
  #lines: WriteStream | null = null;

  private constructor(file: string, handle: FileHandle, options: RotatedLogOptions) {
    this.#file = file;
    this.#handle = handle;
    this.#maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
    this.#timer = setInterval(() => this.#rotate(), options.lookEveryMs ?? LOOK_EVERY_MS).unref();
  }

  /** Opens the file for appending, for this user alone. */
  static async open(file: string, options: RotatedLogOptions = {}): Promise<RotatedLog> {
    const log = new RotatedLog(file, await open(file, "a", 0o600), options);
    await log.#rotateIfLarge();
    log.#startsAt = (await log.#handle.stat()).size;
    return log;
  }

  /** For the child's standard streams. */
  get fd(): number {
    return this.#handle.fd;
  }

  append(line: string): void {
    this.#lines ??= createWriteStream(this.#file, { flags: "a" }).on("error", () => {});
    this.#lines.write(`${line}\n`);
  }

  /** The last lines that were written since it was opened. */
  async lastLines(count: number): Promise<string[]> {
    const reading = await open(this.#file, "r");
    try {
      const { size } = await reading.stat();
      const start = Math.max(this.#startsAt, size - TAIL_BYTES);
      const { buffer, bytesRead } = await reading.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
      return lastLines(buffer.subarray(0, bytesRead).toString(), count);
    } finally {
      await reading.close();
    }
  }

  /** Resolves when everything that was appended is in the file. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const lines = this.#lines;
    if (lines !== null && !lines.destroyed) await new Promise<void>((resolve) => lines.end(resolve));
    await this.#rotating;
    await this.#handle.close();
  }

  #rotate(): void {
    // A look that fails, such as at a disk that is full, is followed by the next one.
    this.#rotating = this.#rotating.then(() => this.#rotateIfLarge()).catch(() => {});
  }

  async #rotateIfLarge(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size <= this.#maxBytes) return;
    const start = Math.max(0, size - this.#maxBytes);
    // Also lines that are written meanwhile, but not for ever.
    const end = start + 2 * this.#maxBytes - 1;
    try {
      await pipeline(
        createReadStream(this.#file, { start, end }),
        createWriteStream(`${this.#file}.1`, { mode: 0o600 }),
      );
    } finally {
      // Also when there is no room for the copy: then least of all may the log go on growing.
      await this.#handle.truncate(0);
      this.#startsAt = 0;
    }
  }
}
