#!/usr/bin/env bash
# BullMQ 6.7.0: a job with a priority that stalled goes ahead of all others.
#
# Jobs without a priority are taken before those with one, and of these the smaller number first. When the worker of a job dies,
# the check for stalled jobs puts it back where the next job is taken from, whatever its priority: `getState` says `waiting`
# and not `prioritized`, and it runs before jobs without a priority and before those with a smaller number. A job that is
# retried after an error keeps its place. Where much of little importance is under way when a worker dies, all of it comes
# first afterwards.
#
# Seen with `low` (priority 10), whose worker is killed, and `plain` (none) and `urgent` (priority 1), which are added then: the
# state of `low` and the order in which the next worker takes them, waiting and low, plain, urgent.
#
# Needs Node 20 and a redis-server on the PATH.
set -euo pipefail
bullmq=6.7.0 ioredis=6.0.0
expected="low is waiting; taken: low plain urgent"
command -v redis-server > /dev/null || { echo "no redis-server"; exit 2; }

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund "bullmq@$bullmq" "ioredis@$ioredis" > /dev/null
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); })')
redis-server --bind 127.0.0.1 --port "$port" --save "" --maxmemory-policy noeviction > redis.log 2>&1 &

cat > dies.mjs <<'JS'
import { Worker } from "bullmq";
const connection = { host: "127.0.0.1", port: Number(process.env.PORT), maxRetriesPerRequest: null };
new Worker("q", () => { process.kill(process.pid, "SIGKILL"); }, { connection, lockDuration: 1_000, stalledInterval: 500 });
JS
cat > main.mjs <<'JS'
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Worker } from "bullmq";
const connection = { host: "127.0.0.1", port: Number(process.env.PORT), maxRetriesPerRequest: null };
const queue = new Queue("q", { connection });
const low = await queue.add("low", {}, { priority: 10 });
await once(spawn(process.execPath, ["dies.mjs"], { stdio: "ignore" }), "exit");
await queue.add("plain", {});
await queue.add("urgent", {}, { priority: 1 });
const taken = [];
const worker = new Worker("q", async ({ name }) => void taken.push(name), { connection, autorun: false, stalledInterval: 500 });
await worker.startStalledCheckTimer();
for (let left = 100; (await low.getState()) === "active" && left > 0; left -= 1) await sleep(100);
const state = await low.getState();
void worker.run();
for (let left = 100; taken.length < 3 && left > 0; left -= 1) await sleep(100);
console.log(`low is ${state}; taken: ${taken.join(" ")}`);
await worker.close();
await queue.close();
JS
seen=$(PORT=$port node main.mjs)
echo "BullMQ $bullmq: a job of priority 10 whose worker was killed, one without a priority and one of priority 1"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
