/** Where the lines for the person at the terminal go. */
export interface Terminal {
  say: (line: string) => void;
  /**
   * Shows a warning of a child, but not one that was shown within the last ten seconds. Until the stack is ready they
   * are held back, for processes that come up together miss one another at first.
   */
  warn: (line: string) => void;
  /** Ends the holding back. Lines held back are shown only when the start failed. */
  endHoldingBack: (start: "succeeded" | "failed") => void;
}

const SHOWN_FOR_MS = 10_000;
const HELD_BACK_AT_MOST = 30;

/** @param write receives lines with their end. */
export function createTerminal(write: (text: string) => void, now: () => number = () => performance.now()): Terminal {
  const shownAt = new Map<string, number>();
  let heldBack: string[] | undefined = [];
  const say = (line: string) => write(`${line}\n`);

  const warn = (line: string) => {
    if (heldBack) {
      heldBack = [...heldBack.filter((other) => other !== line), line].slice(-HELD_BACK_AT_MOST);
      return;
    }
    for (const [old, at] of shownAt) if (now() - at > SHOWN_FOR_MS) shownAt.delete(old);
    if (shownAt.has(line)) return;
    shownAt.set(line, now());
    say(line);
  };

  const endHoldingBack = (start: "succeeded" | "failed") => {
    if (start === "failed") for (const line of heldBack ?? []) say(line);
    heldBack = undefined;
  };
  return { say, warn, endHoldingBack };
}
