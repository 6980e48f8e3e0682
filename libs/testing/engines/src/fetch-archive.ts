import { createHash } from "node:crypto";
import { EngineUnavailableError } from "./engine-errors.ts";

/** A closed network is given up after this time. */
const FIRST_ANSWER_WITHIN_MS = 5_000;
const WHOLE_BODY_WITHIN_MS = 10 * 60_000;

/**
 * Downloads a file and checks it.
 *
 * @param sha256 in hexadecimal.
 * @throws {EngineUnavailableError} when there is no answer within 5 s, no 200, or other bytes than expected.
 */
export async function fetchArchive(url: string, sha256: string): Promise<Buffer> {
  const giveUp = new AbortController();
  let timer = setTimeout(() => giveUp.abort(), FIRST_ANSWER_WITHIN_MS);
  try {
    const answer = await fetch(url, { signal: giveUp.signal });
    clearTimeout(timer);
    if (!answer.ok) throw new EngineUnavailableError(`download: ${url} answered ${answer.status}`);
    timer = setTimeout(() => giveUp.abort(), WHOLE_BODY_WITHIN_MS);
    const archive = Buffer.from(await answer.arrayBuffer());
    const found = createHash("sha256").update(archive).digest("hex");
    if (found !== sha256) {
      throw new EngineUnavailableError(`download: ${url} has the checksum ${found}, expected ${sha256}`);
    }
    return archive;
  } catch (error) {
    if (error instanceof EngineUnavailableError) throw error;
    throw new EngineUnavailableError(`download: ${url} cannot be reached`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks for no more than the headers of a page, to learn within 5 s whether its site can be reached.
 *
 * @throws {EngineUnavailableError} when it cannot.
 */
export async function requireReachable(url: string): Promise<void> {
  try {
    await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(FIRST_ANSWER_WITHIN_MS) });
  } catch (error) {
    throw new EngineUnavailableError(`download: ${url} cannot be reached`, { cause: error });
  }
}
