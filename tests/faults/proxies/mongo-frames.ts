import type { Splitter } from "./tcp-proxy.ts";

const HEADER_BYTES = 16;
const OP_MSG = 2013;
const STRING_TYPE = 0x02;

/**
 * Messages of MongoDB's wire protocol, named by command and collection: `insert keys`, `update keys deleters`.
 *
 * OP_MSG is header (length, request id, response to, opcode), flags, and a section of kind 0 whose document begins with
 * the command: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
 *
 * @param direction the pair of a request is its id, that of a reply the id that it answers
 */
export function mongoFrames(direction: "requests" | "replies"): Splitter {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames = [];
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const bytes = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(bytes.length);
      const pair = bytes.readInt32LE(direction === "requests" ? 4 : 8);
      frames.push({ bytes, pair, call: direction === "requests" ? nameOf(bytes) : null });
    }
    return frames;
  };
}

function nameOf(message: Buffer): string | null {
  if (message.readInt32LE(12) !== OP_MSG) return null;
  const firstElement = HEADER_BYTES + 4 + 1 + 4;
  if (message.length <= firstElement || message[firstElement] !== STRING_TYPE) return null;
  const nameEnd = message.indexOf(0, firstElement + 1);
  const command = message.toString("utf8", firstElement + 1, nameEnd);
  const valueLength = message.readInt32LE(nameEnd + 1);
  const collection = message.toString("utf8", nameEnd + 5, nameEnd + 5 + valueLength - 1);
  // Of the two updates that a deletion consists of, the first enters who deletes.
  const isIntent = command === "update" && message.includes("deleters");
  return isIntent ? `${command} ${collection} deleters` : `${command} ${collection}`;
}
