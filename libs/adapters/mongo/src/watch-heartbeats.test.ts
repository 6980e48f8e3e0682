import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchHeartbeats } from "./watch-heartbeats.ts";

const LONGEST_MS = 8_000;
const server = { connectionId: "db:27017" };

describe("watchHeartbeats", () => {
  const source = new EventEmitter();
  const onStuck = vi.fn<() => void>();
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    onStuck.mockReset();
    stop = watchHeartbeats(source, LONGEST_MS, onStuck).stop;
  });

  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  it("tells once of a heartbeat that neither succeeds nor fails", () => {
    source.emit("serverHeartbeatStarted", server);
    vi.advanceTimersByTime(LONGEST_MS);
    expect(onStuck).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(onStuck).toHaveBeenCalledTimes(1);
  });

  it.each(["serverHeartbeatSucceeded", "serverHeartbeatFailed"])("is content with one that ends: %s", (end) => {
    for (let beat = 0; beat < 20; beat += 1) {
      source.emit("serverHeartbeatStarted", server);
      vi.advanceTimersByTime(4_000);
      source.emit(end, server);
    }
    vi.advanceTimersByTime(60_000);
    expect(onStuck).not.toHaveBeenCalled();
  });

  it("does not let the heartbeats of one server hide those of another", () => {
    source.emit("serverHeartbeatStarted", server);
    for (let beat = 0; beat < 10; beat += 1) {
      source.emit("serverHeartbeatStarted", { connectionId: "other:27017" });
      vi.advanceTimersByTime(1_000);
      source.emit("serverHeartbeatSucceeded", { connectionId: "other:27017" });
    }
    expect(onStuck).toHaveBeenCalledTimes(1);
  });

  it("leaves no listener behind", () => {
    stop();
    expect(source.eventNames()).toEqual([]);
  });
});
