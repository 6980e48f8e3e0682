import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Queue, QueueEvents } from "bullmq";
import { inFlight } from "../harness/in-flight.ts";

const QUEUE_NAME = "raw";
const MANY_LISTENERS = 1_000;

/** BullMQ by itself on the same Redis: a producer here, a worker that does nothing in a process of its own. */
export interface RawQueue {
  /** Of the producer, which is here, and of the worker. */
  pids(): Readonly<Record<string, number>>;
  /** Adds jobs, so many at once, and waits for the result of each. @returns milliseconds of each */
  addAndWait(jobs: number, atOnce: number): Promise<{ readonly perSecond: number; readonly latencies: number[] }>;
  close(): Promise<void>;
}

/** Starts the worker in a process of its own, and resolves once it is ready. */
export async function startRawQueue(redisUrl: string): Promise<RawQueue> {
  const prefix = `bench-raw-${process.pid}-${Date.now()}`;
  const worker = fork(fileURLToPath(new URL("echo-worker.js", import.meta.url)), [redisUrl, prefix, QUEUE_NAME]);
  await once(worker, "message");
  const connection = { url: redisUrl };
  const queue = new Queue(QUEUE_NAME, { connection, prefix });
  const events = new QueueEvents(QUEUE_NAME, { connection, prefix });
  queue.setMaxListeners(MANY_LISTENERS);
  events.setMaxListeners(MANY_LISTENERS);
  await events.waitUntilReady();
  return {
    pids: () => ({ producer: process.pid, worker: worker.pid ?? 0 }),
    addAndWait: (jobs, atOnce) =>
      inFlight(jobs, atOnce, async () => {
        const job = await queue.add("echo", { name: null }, { removeOnComplete: { count: 1_000 } });
        await job.waitUntilFinished(events);
      }),
    close: async () => {
      await queue.obliterate({ force: true });
      await events.close();
      await queue.close();
      worker.kill();
      await once(worker, "exit");
    },
  };
}
