import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reachability } from "./reachability.ts";

let answers: boolean;
let changes: boolean[];
let reconnects: number;
let reachability: Reachability;

function start(probe: () => Promise<boolean> = () => Promise.resolve(answers)): void {
  reachability = new Reachability({
    probe,
    reconnect: () => {
      reconnects += 1;
    },
    onChange: (reachable) => changes.push(reachable),
    probeIntervalMs: 1000,
    reconnectAfterMs: 10_000,
    connectWithinMs: 3_000,
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  answers = true;
  changes = [];
  reconnects = 0;
});

afterEach(() => {
  reachability.close();
  vi.useRealTimers();
});

describe("Reachability", () => {
  it("is unreachable until the first answer, then reachable until bad news", async () => {
    start();
    expect(reachability.state).toBe("connecting");
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    answers = false;
    reachability.hung();
    expect(reachability.state).toBe("hung");
    expect(changes).toEqual([true, false]);
  });

  it("counts losses, so that what was learned before one can be forgotten", async () => {
    start();
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    reachability.lost();
    expect(reachability.losses).toBe(1);
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    expect(changes).toEqual([true, false, true]);
  });

  it("does not believe an answer to a probe that went out before the connection was lost", async () => {
    const replies: ((answered: boolean) => void)[] = [];
    start(() => new Promise((resolve) => replies.push(resolve)));
    reachability.lost();
    vi.advanceTimersByTime(1000);
    replies[0]?.(true);
    await vi.waitFor(() => expect(replies).toHaveLength(2));
    expect(changes).toEqual([]);
    replies[1]?.(true);
    await vi.waitFor(() => expect(changes).toEqual([true]));
  });

  it("gives the connection up after a long silence, and counts that as a loss", async () => {
    let probes = 0;
    start(() => {
      probes += 1;
      vi.advanceTimersByTime(1000);
      return Promise.resolve(probes > 25);
    });
    reachability.hung();
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    expect(reconnects).toBe(2);
    expect(reachability.losses).toBe(2);
  });

  it("goes on probing, and gives the connection up in time, when the machine's clock is set back by an hour", async () => {
    let probes = 0;
    start(() => {
      probes += 1;
      vi.advanceTimersByTime(1000);
      if (probes === 2) vi.setSystemTime(Date.now() - 3_600_000);
      return Promise.resolve(probes > 15);
    });
    reachability.hung();
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    expect([probes, reconnects]).toEqual([16, 1]);
  });

  it("begins anew soon when a connection does not come to stand", async () => {
    let probes = 0;
    start(() => {
      probes += 1;
      vi.advanceTimersByTime(1000);
      return Promise.resolve(probes > 7);
    });
    await vi.waitFor(() => expect(reachability.state).toBe("answering"));
    expect(reconnects).toBe(2);
  });

  it("probes no more once it is closed", async () => {
    let probes = 0;
    start(() => {
      probes += 1;
      return Promise.resolve(false);
    });
    reachability.close();
    reachability.lost();
    await new Promise((resolve) => setImmediate(resolve));
    expect(probes).toBe(1);
    expect(changes).toEqual([]);
  });
});
