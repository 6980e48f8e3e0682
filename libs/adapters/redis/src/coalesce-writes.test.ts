import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { coalesceWrites } from "./connect-redis.ts";

/** Records what reaches the socket's own system calls: one list for each. */
function recordingSocket() {
  const calls: string[][] = [];
  const socket = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      calls.push([chunk]);
      done();
    },
    writev: (chunks: { chunk: string }[], done) => {
      calls.push(chunks.map(({ chunk }) => chunk));
      done();
    },
  });
  coalesceWrites(socket);
  return { socket, calls };
}

const nextLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

test("what is written in one turn goes out together and in order, also from later microtasks", async () => {
  const { socket, calls } = recordingSocket();

  socket.write("one");
  await Promise.resolve();
  socket.write("two");
  expect(calls).toEqual([]);
  await nextLoopTurn();

  expect(calls).toEqual([["one", "two"]]);
});

test("the next turn's writes go out with that turn", async () => {
  const { socket, calls } = recordingSocket();

  socket.write("one");
  await nextLoopTurn();
  socket.write("two");
  await nextLoopTurn();

  expect(calls).toEqual([["one"], ["two"]]);
});
