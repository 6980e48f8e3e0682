/** The events of a MongoClient that tell of its monitors; `connectionId` is the address of the server they ask. */
export interface HeartbeatSource {
  on(event: HeartbeatEvent, listener: (event: { readonly connectionId: string }) => void): unknown;
  off(event: HeartbeatEvent, listener: (event: { readonly connectionId: string }) => void): unknown;
}

type HeartbeatEvent = "serverHeartbeatStarted" | "serverHeartbeatSucceeded" | "serverHeartbeatFailed";

export interface HeartbeatWatch {
  stop(): void;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Notices a monitor of the driver that waits for ever, so that the client would never learn that its server is back.
 *
 * The driver (7.8, `cmap/connection.js`, `writeCommand`) waits for `drain` on a socket that was destroyed a moment before
 * and never tells of it; no time limit holds there. Seen when MongoDB was killed while it was written to.
 *
 * @param longestMs what a heartbeat may take, the driver's own time limits and some more. It is counted in looks, so that
 *   a process that was stopped for a while suspects nobody
 */
export function watchHeartbeats(source: HeartbeatSource, longestMs: number, onStuck: () => void): HeartbeatWatch {
  const looksSince = new Map<string, number>();
  const onStarted = ({ connectionId }: { readonly connectionId: string }) => void looksSince.set(connectionId, 0);
  const onEnded = ({ connectionId }: { readonly connectionId: string }) => void looksSince.delete(connectionId);
  const ends = ["serverHeartbeatSucceeded", "serverHeartbeatFailed"] as const;
  source.on("serverHeartbeatStarted", onStarted);
  for (const end of ends) source.on(end, onEnded);

  const timer = setInterval(() => {
    let isStuck = false;
    for (const [server, looks] of looksSince) {
      looksSince.set(server, looks + 1);
      isStuck ||= (looks + 1) * LOOK_EVERY_MS > longestMs;
    }
    if (!isStuck) return;
    looksSince.clear();
    onStuck();
  }, LOOK_EVERY_MS);
  timer.unref();

  return {
    stop: () => {
      clearInterval(timer);
      source.off("serverHeartbeatStarted", onStarted);
      for (const end of ends) source.off(end, onEnded);
    },
  };
}
