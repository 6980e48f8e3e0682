import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createLogger } from "./create-logger.ts";
import { type ProcessListeners, type ProcessPort, type RunningService, runService } from "./lifecycle.ts";
import { ManualClock } from "./manual-clock.ts";
import { SettingsError } from "./settings-error.ts";

/** A process whose signals and faults come from the test and whose exits are only written down. */
class FakeProcess implements ProcessPort {
  readonly exits: number[] = [];
  listeners: ProcessListeners | undefined;

  listen(listeners: ProcessListeners): () => void {
    this.listeners = listeners;
    return () => {
      this.listeners = undefined;
    };
  }

  exit(code: number): void {
    this.exits.push(code);
  }
}

const logRecord = z.object({
  level: z.string(),
  msg: z.string(),
  state: z.string().optional(),
  unreleased: z.array(z.string()).optional(),
});

/** Runs a service on a fake process and a clock that stands still. */
function run(start: (service: RunningService) => Promise<void> | void) {
  const records: z.infer<typeof logRecord>[] = [];
  const destination = { write: (line: string) => void records.push(logRecord.parse(JSON.parse(line))) };
  const log = createLogger({ service: "worker", version: "1", level: "info", pretty: false, destination });
  const process = new FakeProcess();
  const clock = new ManualClock();
  let service: RunningService | undefined;
  const exited = runService({
    name: "worker",
    log,
    process,
    clock,
    shutdownDeadlineMs: 10_000,
    start: async (running) => {
      service = running;
      await start(running);
    },
  });
  return {
    process,
    clock,
    exited,
    states: () => records.flatMap(({ state }) => state ?? []),
    messages: (level: string) => records.filter((record) => record.level === level).map(({ msg }) => msg),
    unreleased: () => records.flatMap(({ unreleased }) => unreleased ?? []),
    started: () => vi.waitUntil(() => service?.state === "running", { interval: 1 }),
    state: () => service?.state,
  };
}

const nothing = () => undefined;

/** A releaser that never ends, whatever happens. */
const hang = () => new Promise<void>(() => undefined);

describe("runService", () => {
  it("goes through its states, logs each, and exits 0 on SIGTERM", async () => {
    const service = run(nothing);
    await service.started();
    service.process.listeners?.onSignal("SIGTERM");
    expect(service.state()).toBe("draining");
    expect(await service.exited).toBe(0);
    expect(service.process.exits).toEqual([0]);
    expect(service.states()).toEqual(["starting", "running", "draining", "stopped"]);
    expect(service.process.listeners).toBeUndefined();
    expect(service.clock.sleepers).toBe(0);
  });

  it("releases the groups in order, whatever the order of opening, each when the one before is done", async () => {
    const events: string[] = [];
    const service = run((running) => {
      for (const group of ["ops", "connections", "loops", "intake"] as const) {
        running.onStop(group, group, async () => {
          events.push(`${group} begins`);
          await Promise.resolve();
          events.push(`${group} ends`);
        });
      }
    });
    await service.started();
    service.process.listeners?.onSignal("SIGINT");
    await service.exited;
    expect(events).toEqual(
      ["intake", "loops", "connections", "ops"].flatMap((group) => [`${group} begins`, `${group} ends`]),
    );
  });

  it("aborts the service's signal before it releases anything", async () => {
    let abortedFirst: boolean | undefined;
    const service = run((running) => {
      running.onStop("intake", "queue", () => {
        abortedFirst = running.signal.aborted;
      });
    });
    await service.started();
    service.process.listeners?.onSignal("SIGTERM");
    await service.exited;
    expect(abortedFirst).toBe(true);
  });

  it("logs a releaser that fails and carries on with the others", async () => {
    const closed = vi.fn<() => void>();
    const service = run((running) => {
      running.onStop("intake", "queue", () => Promise.reject(new Error("redis is gone")));
      running.onStop("intake", "sync failure", () => {
        throw new Error("at once");
      });
      running.onStop("connections", "mongodb", closed);
    });
    await service.started();
    service.process.listeners?.onSignal("SIGTERM");
    expect(await service.exited).toBe(0);
    expect(closed).toHaveBeenCalledTimes(1);
    expect(service.messages("error")).toEqual(["release failed", "release failed"]);
  });

  it("exits 1 at once on a second signal", async () => {
    const service = run((running) => running.onStop("intake", "queue", hang));
    await service.started();
    service.process.listeners?.onSignal("SIGINT");
    expect(service.process.exits).toEqual([]);
    service.process.listeners?.onSignal("SIGINT");
    expect(service.process.exits).toEqual([1]);
    await service.clock.advance(10_000);
    await service.exited;
  });

  describe("when time runs short", () => {
    it("gives everybody the deadline signal at 80 % of the deadline, and exits 0 when that helps", async () => {
      const events: string[] = [];
      const service = run((running) => {
        running.onStop("intake", "queue", async (deadlineSignal) => {
          await new Promise((resolve) => deadlineSignal.addEventListener("abort", resolve, { once: true }));
          events.push(`handed back at ${service.clock.now()}`);
        });
        running.onStop("connections", "redis", () => void events.push("redis closed"));
      });
      await service.started();
      service.process.listeners?.onSignal("SIGTERM");
      await service.clock.advance(7_999);
      expect(events).toEqual([]);
      await service.clock.advance(1);
      expect(await service.exited).toBe(0);
      expect(events).toEqual(["handed back at 8000", "redis closed"]);
    });

    it("releases the rest without those who hang, names them and exits 1 within the deadline", async () => {
      const closed: string[] = [];
      const service = run((running) => {
        running.onStop("intake", "queue", hang);
        running.onStop("connections", "mongodb", hang);
        running.onStop("connections", "redis", () => void closed.push("redis"));
        running.onStop("ops", "probes", () => void closed.push("probes"));
      });
      await service.started();
      service.process.listeners?.onSignal("SIGTERM");
      await service.clock.advance(10_000);
      expect(await service.exited).toBe(1);
      expect(closed).toEqual(["redis", "probes"]);
      expect(service.unreleased()).toEqual(["queue", "mongodb"]);
      expect(service.clock.sleepers).toBe(0);
    });
  });

  describe("when the start fails", () => {
    it("releases what was opened, logs one fatal line and exits 1", async () => {
      const closed = vi.fn<() => void>();
      const service = run((running) => {
        running.onStop("connections", "redis", closed);
        throw new Error("mongodb does not answer");
      });
      expect(await service.exited).toBe(1);
      expect(closed).toHaveBeenCalledTimes(1);
      expect(service.messages("fatal")).toEqual(["service could not start"]);
      expect(service.messages("error")).toEqual([]);
      expect(service.states()).toEqual(["starting", "draining", "stopped"]);
    });

    it("exits 78 when a setting is wrong", async () => {
      const service = run(() => {
        throw new SettingsError("worker", [{ name: "XRAY_BINARY", problem: "names no program" }]);
      });
      expect(await service.exited).toBe(78);
    });
  });

  describe("when it is asked to stop while it starts", () => {
    it("releases what is open, does not wait for the start and exits 0", async () => {
      const closed = vi.fn<() => void>();
      const service = run(async (running) => {
        running.onStop("connections", "redis", closed);
        await hang();
      });
      service.process.listeners?.onSignal("SIGTERM");
      expect(await service.exited).toBe(0);
      expect(closed).toHaveBeenCalledTimes(1);
      expect(service.states()).toEqual(["starting", "draining", "stopped"]);
    });

    it("takes a start that breaks off for that reason as no failure", async () => {
      const service = run(
        (running) =>
          new Promise((_, reject) => {
            running.signal.addEventListener("abort", () => reject(new Error("connect was aborted")), { once: true });
          }),
      );
      service.process.listeners?.onSignal("SIGTERM");
      expect(await service.exited).toBe(0);
      expect(service.messages("fatal")).toEqual([]);
    });

    it("releases at once what the start still opens", async () => {
      const closed = vi.fn<() => void>();
      const service = run(async (running) => {
        await new Promise((resolve) => running.signal.addEventListener("abort", resolve, { once: true }));
        running.onStop("intake", "queue", closed);
        running.onStop("connections", "redis", closed);
      });
      service.process.listeners?.onSignal("SIGTERM");
      await service.exited;
      expect(closed).toHaveBeenCalledTimes(2);
      expect(service.states()).not.toContain("running");
    });
  });

  describe("when something breaks", () => {
    it.each(["uncaughtException", "unhandledRejection"] as const)("stops in order and exits 1 on %s", async (kind) => {
      const closed = vi.fn<() => void>();
      const service = run((running) => running.onStop("connections", "redis", closed));
      await service.started();
      service.process.listeners?.onFault(kind, new Error("a mistake of ours"));
      expect(await service.exited).toBe(1);
      expect(closed).toHaveBeenCalledTimes(1);
      expect(service.messages("fatal")).toEqual(["uncaught error"]);
    });

    it("stops in order and exits 1 when the service says that it cannot go on", async () => {
      const closed = vi.fn<() => void>();
      const service = run((running) => {
        running.onStop("connections", "redis", closed);
        void Promise.resolve().then(() => running.fail(new Error("the listener is gone")));
      });
      expect(await service.exited).toBe(1);
      expect(closed).toHaveBeenCalledTimes(1);
    });

    it("during a clean stop, makes its exit code 1", async () => {
      const service = run((running) => {
        running.onStop("intake", "queue", () => {
          service.process.listeners?.onFault("unhandledRejection", "no reason");
        });
      });
      await service.started();
      service.process.listeners?.onSignal("SIGTERM");
      expect(await service.exited).toBe(1);
    });
  });
});
