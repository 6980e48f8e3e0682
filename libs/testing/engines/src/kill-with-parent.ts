import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();

/** Sends SIGKILL to a child when this process exits; a process that is killed itself can do nothing for its children. */
export function killWithParent(child: ChildProcess): void {
  if (running.size === 0) process.on("exit", killAll);
  running.add(child);
  const forget = () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
  };
  child.once("exit", forget);
  // There is no exit where there was no start.
  if (child.pid === undefined) child.once("error", forget);
}

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}
