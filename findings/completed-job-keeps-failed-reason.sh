#!/usr/bin/env bash
# BullMQ 6.7.0: a job that completes keeps the reason for which an attempt before failed.
#
# A job whose first attempt throws and whose second one returns is in `completed`, and has both a `returnvalue` and the `failedReason`
# of the first attempt, for as long as it is kept. Whoever reads a job and takes one with a `failedReason` for failed is wrong, while
# whoever hears its event is right: `completed` comes, and no `failed`. Only `getState`, or the `returnvalue` where each job has one, tells.
#
# Seen with one job of two attempts: state, returnvalue and failedReason as a new client reads them, and the events of its ends.
#
# Needs Node 20 and a redis-server on the PATH.
set -euo pipefail
bullmq=6.7.0 ioredis=6.0.0
expected='completed, returned {"second":"works"}, failedReason "first fails"; events: completed'
command -v redis-server > /dev/null || { echo "no redis-server"; exit 2; }

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund "bullmq@$bullmq" "ioredis@$ioredis" > /dev/null
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); })')
redis-server --bind 127.0.0.1 --port "$port" --save "" --maxmemory-policy noeviction > redis.log 2>&1 &

cat > main.mjs <<'JS'
import { Queue, QueueEvents, Worker } from "bullmq";
const connection = { host: "127.0.0.1", port: Number(process.env.PORT), maxRetriesPerRequest: null };
const queue = new Queue("q", { connection });
const events = new QueueEvents("q", { connection });
await events.waitUntilReady();
const heard = [];
const ended = new Promise((resolve) => events.on("completed", () => resolve(heard.push("completed"))));
events.on("failed", () => heard.push("failed"));
const worker = new Worker("q", async ({ attemptsMade }) => {
  if (attemptsMade === 0) throw new Error("first fails");
  return { second: "works" };
}, { connection });
worker.on("error", () => undefined);
const { id } = await queue.add("twice", {}, { attempts: 2 });
await ended;
const job = await new Queue("q", { connection }).getJob(id);
const read = `returned ${JSON.stringify(job.returnvalue)}, failedReason ${JSON.stringify(job.failedReason)}`;
console.log(`${await job.getState()}, ${read}; events: ${heard.join(" ")}`);
process.exit(0);
JS
seen=$(PORT=$port node main.mjs)
echo "BullMQ $bullmq: a job whose first attempt throws and whose second one returns"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
