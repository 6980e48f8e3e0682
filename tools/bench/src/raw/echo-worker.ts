import { Worker } from "bullmq";

const [redisUrl = "", prefix = "", queueName = ""] = process.argv.slice(2);
const connection = { url: redisUrl, maxRetriesPerRequest: null };
const worker = new Worker(queueName, async () => ({ outcome: "done" }), { connection, prefix, concurrency: 64 });
await worker.waitUntilReady();
process.send?.("ready");
process.once("disconnect", () => process.exit(0));
