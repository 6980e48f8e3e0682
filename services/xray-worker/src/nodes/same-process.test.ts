import { UnreadableRecordError } from "@veil/keys";
import { XrayUnreachableError } from "@veil/xray-grpc";
import { expect, it } from "vitest";
import { findSameProcess, lastMarkOf, type MarkedProcess } from "./same-process.ts";

/** @param mark null for a process that has none; "away" for one that does not answer */
function process(name: string, mark: string | null): MarkedProcess {
  let shown = mark;
  return {
    name,
    readProcessMark: async () => {
      if (shown === "away") throw new XrayUnreachableError(name, "readProcessMark", "no-connection", "refused");
      return shown;
    },
    plantProcessMark: async (id) => {
      shown ??= id;
      return "planted";
    },
  };
}

const newMark = () => "new";
const lives = lastMarkOf({
  find: async (node) => {
    const marks = [
      { mark: `first of ${node}`, epoch: 1 },
      { mark: `last of ${node}`, epoch: 2 },
    ];
    if (node === "damaged") throw new UnreadableRecordError("node_epochs damaged makes no sense", { cause: null });
    return node === "unread" ? null : { node, revision: 2, marks, restarts: 1, seenAt: 0, seenEpoch: 2 };
  },
});

it("finds another node that leads to the same process", async () => {
  expect(await findSameProcess(process("a", "m"), [process("a", "m"), process("b", "m")], newMark)).toBe("b");
  expect(await findSameProcess(process("a", null), [process("b", "m"), process("c", null)], newMark)).toBeNull();
});

it("knows a node that does not answer by the mark that it showed last, and by no older one", async () => {
  const others = [process("unread", "away"), process("b", "away")];
  expect(await findSameProcess(process("a", "last of b"), others, newMark, lives)).toBe("b");
  expect(await findSameProcess(process("a", "first of b"), others, newMark, lives)).toBeNull();
  const answering = [process("b", "m"), process("c", null)];
  expect(await findSameProcess(process("a", "last of b"), answering, newMark, lives)).toBeNull();
  expect(await findSameProcess(process("a", "last of c"), answering, newMark, lives)).toBeNull();
});

it("knows as little of a node whose lives make no sense as of one that nobody read, and goes on with the others", async () => {
  const others = [process("damaged", "away"), process("b", "away")];
  expect(await findSameProcess(process("a", "last of b"), others, newMark, lives)).toBe("b");
  expect(await findSameProcess(process("a", "m"), others, newMark, lives)).toBeNull();
});
