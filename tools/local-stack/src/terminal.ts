/** Where the lines for the person at the terminal go. */
export interface Terminal {
  say(line: string): void;
  /** Like say, but a line that was said within the last ten seconds is not said again. */
  sayOnce(line: string): void;
}

const SAID_FOR_MS = 10_000;

/** @param write receives lines with their end. */
export function createTerminal(write: (text: string) => void, now: () => number = Date.now): Terminal {
  const saidAt = new Map<string, number>();
  const say = (line: string) => write(`${line}\n`);
  return {
    say,
    sayOnce: (line) => {
      for (const [old, at] of saidAt) if (now() - at > SAID_FOR_MS) saidAt.delete(old);
      if (saidAt.has(line)) return;
      saidAt.set(line, now());
      say(line);
    },
  };
}
