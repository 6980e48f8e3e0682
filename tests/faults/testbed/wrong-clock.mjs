// Loaded into a service before it starts: its wall clock is ahead by what a file says, which is read twenty times a second.
// Clocks that only measure durations stay as they are, as those of a machine do when somebody sets its time.
import { readFileSync } from "node:fs";

const READ_EVERY_MS = 50;
const file = process.env.FAULT_TEST_CLOCK;
const RealDate = Date;
const rightNow = Date.now.bind(Date);
let aheadMs = read();
setInterval(() => (aheadMs = read()), READ_EVERY_MS).unref();

const now = () => rightNow() + aheadMs;
globalThis.Date = new Proxy(RealDate, {
  get: (target, property, receiver) => (property === "now" ? now : Reflect.get(target, property, receiver)),
  construct: (target, values, newTarget) =>
    Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  apply: () => new RealDate(now()).toString(),
});

function read() {
  return Number(readFileSync(file, "utf8"));
}
