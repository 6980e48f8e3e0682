import { UnreadableRecordError } from "./errors.ts";

/**
 * The result of a read of one record among many: one that makes no sense keeps nobody from the others. Nothing is known about what it
 * stands for, which therefore stays as it is until the record is mended.
 *
 * @throws what the read throws otherwise
 */
export async function tryRead<Result>(read: () => Promise<Result>): Promise<Result | "unreadable"> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreadableRecordError) return "unreadable";
    throw error;
  }
}
