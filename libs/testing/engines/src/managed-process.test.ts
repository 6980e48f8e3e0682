import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startProcess, untilReady } from "./managed-process.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-process-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const node = (code: string) => ({ binary: process.execPath, args: ["-e", code] });
const LASTING = "setInterval(() => {}, 1_000)";

describe("a managed process", () => {
  test("hands on both outputs by lines, whole before it has ended, and logs them", async () => {
    const lines: string[] = [];
    const logFile = join(directory, "logs", "program.log");
    const talk = "process.stdout.write('one\\ntw'); process.stdout.write('o\\n'); console.error('three')";
    const child = await startProcess({ ...node(talk), logFile, onLine: (line) => lines.push(line) });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(lines.toSorted()).toEqual(["one", "three", "two"]);
    expect((await readFile(logFile, "utf8")).split("\n").toSorted()).toEqual(["", ...lines.toSorted()]);
  });

  test("can be sent signals, also when it has ended", async () => {
    const lines: string[] = [];
    const heeding = `process.on('SIGUSR2', () => process.exit(7)); console.log('ready'); ${LASTING}`;
    const child = await startProcess({ ...node(heeding), onLine: (line) => lines.push(line) });
    await vi.waitFor(() => expect(lines).toEqual(["ready"]));
    child.signal("SIGUSR2");
    expect(await child.exited).toEqual({ code: 7, signal: null });
    child.signal("SIGKILL");
    expect(await child.stop()).toEqual({ code: 7, signal: null });
  });

  test("is killed by the exit of this process, by one listener for all children", async () => {
    const before = process.listeners("exit");
    const children = await Promise.all([startProcess(node(LASTING)), startProcess(node(LASTING))]);
    const added = process.listeners("exit").filter((listener) => !before.includes(listener));
    expect(added).toHaveLength(1);
    added[0]?.call(process, 0);
    const killed = { code: null, signal: "SIGKILL" };
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([killed, killed]);
    expect(process.listeners("exit")).toEqual(before);
  });

  test("gets none of our environment but what any program needs", async () => {
    process.env["VEIL_TEST_SECRET"] = "secret";
    const lines: string[] = [];
    const code = "console.log(process.env.VEIL_TEST_SECRET ?? 'nothing', process.env.PATH !== undefined)";
    const child = await startProcess({ ...node(code), onLine: (line) => lines.push(line) });
    await child.exited;
    delete process.env["VEIL_TEST_SECRET"];
    expect(lines).toEqual(["nothing true"]);
  });

  test("that can't be started has ended", async () => {
    const child = await startProcess({ binary: join(directory, "no-such-program"), args: [] });
    expect(await child.exited).toEqual({ code: null, signal: null });
    expect(await child.stop()).toEqual({ code: null, signal: null });
  });
});

describe("waiting until it is ready", () => {
  test("ends with its answer, its end or the time", async () => {
    const child = await startProcess(node(LASTING));
    expect(await untilReady(child, async () => true, 0)).toBe("ready");
    expect(await untilReady(child, async () => false, 50)).toBe("late");
    const waiting = untilReady(child, async () => false, 60_000);
    await child.stop(0);
    expect(await waiting).toEqual({ code: null, signal: "SIGKILL" });
  });
});
