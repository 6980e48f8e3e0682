/** Receives one line, without its end, each time there is something to report to a person who waits. */
export type Progress = (line: string) => void;

const FIRST_LINE_AFTER_MS = 1_000;
const NEXT_LINES_EVERY_MS = 5_000;

/**
 * Runs `task` and reports to `progress` what it is doing once it has taken a second, then every five seconds, and how long
 * it took in the end. A task that is quicker says nothing.
 *
 * @param what what is being done, as the beginning of a line: "Building Xray from its Go module".
 */
export async function withProgress<T>(progress: Progress, what: string, task: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
  let repeating: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    progress(`${what} …`);
    repeating = setInterval(() => progress(`${what} … ${elapsed()}`), NEXT_LINES_EVERY_MS);
  }, FIRST_LINE_AFTER_MS);
  try {
    const result = await task();
    if (repeating) progress(`${what}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    if (repeating) progress(`${what}: failed after ${elapsed()}`);
    throw error;
  } finally {
    clearTimeout(first);
    clearInterval(repeating);
  }
}
