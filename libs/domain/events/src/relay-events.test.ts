import { describe, expect, it } from "vitest";
import { InMemoryEventLog, InMemoryOutbox } from "../test/in-memory-events.ts";
import { someEvent } from "../test/some-event.ts";
import { relayEvents } from "./relay-events.ts";

const SUBJECTS = ["key:1", "key:2"];

function rig() {
  const [log, outbox] = [new InMemoryEventLog(), new InMemoryOutbox()];
  const born = (id: string, subject = "key:1") => outbox.born.push(someEvent({ id, subject }));
  const logged = () => log.events.toSorted((a, b) => a.seq - b.seq).map(({ id }) => id);
  return { log, outbox, ports: { log, outbox }, born, logged };
}

class KilledError extends Error {
  override readonly name = "KilledError";
}

/** Makes the process die at its n-th step. */
function dieAt({ log, outbox }: ReturnType<typeof rig>, n: number) {
  let steps = 0;
  const count = async () => {
    steps += 1;
    if (steps >= n) throw new KilledError();
  };
  log.beforeStep = count;
  outbox.beforeStep = count;
  return {
    steps: () => steps,
    revive: () => {
      log.beforeStep = async () => undefined;
      outbox.beforeStep = async () => undefined;
    },
  };
}

describe("the relay", () => {
  it("logs what was born, in order, and marks it", async () => {
    const { ports, born, logged, outbox, log } = rig();
    born("a");
    born("b");
    born("c", "key:2");
    expect((await relayEvents(SUBJECTS, ports)).map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(logged()).toEqual(["a", "b", "c"]);
    expect([...outbox.marked]).toEqual(["a", "b", "c"]);
    expect(await log.checkpoint()).toBe(3);
    expect(await relayEvents(SUBJECTS, ports)).toEqual([]);
    expect(logged()).toHaveLength(3);
  });

  it("leaves other subjects alone", async () => {
    const { ports, born, logged } = rig();
    born("a", "key:9");
    await relayEvents(SUBJECTS, ports);
    expect(logged()).toEqual([]);
  });

  it("reads no event by itself: as many steps for a thousand events as for one, but for what is written", async () => {
    const { ports, log, outbox } = rig();
    const steps: string[] = [];
    const note = async (step: string) => void steps.push(step);
    log.beforeStep = note;
    outbox.beforeStep = note;
    for (let each = 0; each < 1_000; each += 1) outbox.born.push(someEvent());
    await relayEvents(SUBJECTS, ports);
    expect(steps.filter((step) => step === "read" || step === "pending" || step === "checkpoint")).toHaveLength(3);
    expect(log.events).toHaveLength(1_000);
  });

  it("loses nothing and logs nothing twice, wherever it dies, and however often", async () => {
    let longest = 0;
    for (let first = 1; first < 20; first += 1) {
      for (let second = 1; second < 20; second += 1) {
        const all = rig();
        const { ports, born, logged, outbox } = all;
        born("a");
        born("b");
        born("c", "key:2");
        for (const at of [first, second]) {
          const death = dieAt(all, at);
          await relayEvents(SUBJECTS, ports).catch((error: unknown) => expect(error).toBeInstanceOf(KilledError));
          longest = Math.max(longest, death.steps());
          death.revive();
        }
        born("d");
        await relayEvents(SUBJECTS, ports);
        expect(logged().toSorted()).toEqual(["a", "b", "c", "d"]);
        expect(logged().filter((id) => id !== "c")).toEqual(["a", "b", "d"]);
        expect(outbox.marked).toEqual(new Set(["a", "b", "c", "d"]));
      }
    }
    expect(longest).toBeGreaterThan(8);
  });

  it("marks what another one logged and did not mark, also of subjects that nobody asked for", async () => {
    const { ports, log, outbox, born, logged } = rig();
    born("a", "key:9");
    const [event] = outbox.born;
    if (event !== undefined) await log.append(0, [event]);
    born("b");
    await relayEvents(SUBJECTS, ports);
    expect(logged()).toEqual(["a", "b"]);
    expect([[...outbox.marked], await log.checkpoint()]).toEqual([["a", "b"], 2]);
  });

  it.each(["checkpoint", "read", "pending", "append", "mark"])(
    "logs each once when another one does all of it right before its step %s",
    async (at) => {
      const { ports, log, outbox, born, logged } = rig();
      born("a");
      born("b");
      let isOver = false;
      const before = async (step: string) => {
        if (step !== at || isOver) return;
        isOver = true;
        await relayEvents(SUBJECTS, ports);
      };
      log.beforeStep = before;
      outbox.beforeStep = before;
      await relayEvents(SUBJECTS, ports);
      expect([logged(), isOver]).toEqual([["a", "b"], true]);
    },
  );

  // What was born with the subject's end, and with a write of its own before it.
  const ofTheEnd = [someEvent({ id: "device" }), someEvent({ id: "end", type: "key.deleted" })] as const;

  it("logs nothing behind the end of a subject that another one logs meanwhile", async () => {
    const { ports, log, outbox, logged } = rig();
    const [device, end] = ofTheEnd;
    outbox.born.push(device, end);
    let isOver = false;
    log.beforeStep = async (step) => {
      if (step !== "append" || isOver) return;
      isOver = true;
      await log.append(0, [end]);
      await outbox.mark([end]);
      await log.raiseCheckpoint(1);
    };
    await relayEvents(SUBJECTS, ports);
    expect([logged(), isOver]).toEqual([["end"], true]);
  });

  it("logs what a subject has before its end, and what has come back under the same name", async () => {
    const { ports, outbox, logged } = rig();
    outbox.born.push(...ofTheEnd, someEvent({ id: "gone", subject: "key:2", type: "token.deleted" }));
    await relayEvents(SUBJECTS, ports);
    outbox.born.push(someEvent({ id: "back", subject: "key:2", type: "token.created" }));
    await relayEvents(SUBJECTS, ports);
    expect(logged()).toEqual(["device", "end", "gone", "back"]);
  });

  it("logs each once when several do so at the same moment, in any order of their steps", async () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const { ports, log, outbox, born, logged } = rig();
      let state = seed;
      const random = () => {
        state = (state * 48_271) % 2_147_483_647;
        return state / 2_147_483_647;
      };
      const pause = async () => {
        for (let turns = Math.floor(random() * 12); turns > 0; turns -= 1) await Promise.resolve();
        if (random() < 0.03) throw new KilledError();
      };
      log.beforeStep = pause;
      outbox.beforeStep = pause;
      for (const id of ["a", "b", "c"]) born(id);
      for (const id of ["x", "y"]) born(id, "key:2");
      const relays = Array.from({ length: 3 }, async () => {
        await pause();
        return relayEvents(SUBJECTS, ports);
      });
      await Promise.allSettled(relays);
      log.beforeStep = async () => undefined;
      outbox.beforeStep = async () => undefined;
      await relayEvents(SUBJECTS, ports);
      expect(logged().toSorted(), `seed ${seed}`).toEqual(["a", "b", "c", "x", "y"]);
      expect(logged().filter((id) => id < "x")).toEqual(["a", "b", "c"]);
      expect(log.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    }
  });
});
