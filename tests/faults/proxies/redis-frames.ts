import type { Splitter } from "./tcp-proxy.ts";

/**
 * Commands to Redis, and its replies, which come in the order of the commands.
 *
 * Format: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function redisFrames(direction: "requests" | "replies"): Splitter {
  let rest = Buffer.alloc(0);
  let pair = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames = [];
    for (let end = endOfValue(rest, 0); end !== null; end = endOfValue(rest, 0)) {
      const bytes = rest.subarray(0, end);
      rest = rest.subarray(end);
      frames.push({ bytes, pair, call: direction === "requests" ? nameOf(bytes) : null });
      pair += 1;
    }
    return frames;
  };
}

/** Where the value that begins at `start` ends; null while it is not whole. */
function endOfValue(bytes: Buffer, start: number): number | null {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return null;
  const afterLine = lineEnd + 2;
  const count = Number(bytes.toString("latin1", start + 1, lineEnd));
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case "$":
    case "=":
    case "!":
      if (count < 0) return afterLine;
      return afterLine + count + 2 <= bytes.length ? afterLine + count + 2 : null;
    case "*":
    case "~":
    case ">":
      return endOfValues(bytes, afterLine, count);
    case "%":
      return endOfValues(bytes, afterLine, 2 * count);
    default:
      return afterLine;
  }
}

function endOfValues(bytes: Buffer, start: number, count: number): number | null {
  let end: number | null = start;
  for (let done = 0; done < count && end !== null; done += 1) end = endOfValue(bytes, end);
  return end;
}

/** The meaning of a command to the system, derived from the keys that it names: a lease, or a job and its outcome. */
function nameOf(command: Buffer): string | null {
  const text = command.toString("latin1");
  if (text.includes(":lease:key:")) {
    if (text.includes("'until', 0")) return "abandon lease";
    if (text.includes("'DEL'")) return "give lease back";
    return text.includes("PEXPIRE") ? "take lease" : "prolong lease";
  }
  if (!/EVALSHA|EVAL/i.test(text.slice(0, 32))) return null;
  const ends = text.includes(":completed\r\n") || text.includes(":failed\r\n");
  if (text.includes(":limiter\r\n")) return ends ? "finish job" : "take job";
  return text.includes(":completed\r\n") && text.includes(":events\r\n") ? "add job" : null;
}
