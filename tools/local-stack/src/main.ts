import { fileURLToPath } from "node:url";
import { EngineStartError, NoEngineError, WrongBinaryError } from "@veil/engines";
import { EXIT_CODE_SETTINGS, exitOnSettingsError, readSettings, systemClock } from "@veil/runtime";
import { ChildRegistry } from "./child-registry.ts";
import { openDataDirectory } from "./data-directory.ts";
import { readEnvironment, sayUnread, withoutMisspelled } from "./read-environment.ts";
import { RunFile } from "./run-file.ts";
import { stackSettings } from "./settings.ts";
import { SettingsRefusedError, type StackContext, StackStartError } from "./stack-context.ts";
import { lockDataDirectory } from "./stack-lock.ts";
import { startStack } from "./start-stack.ts";
import { StopOrder } from "./stop-order.ts";
import { onStopSignals } from "./stop-signals.ts";
import { createTerminal } from "./terminal.ts";

// The terminal may be gone before everything has stopped.
process.stdout.on("error", () => {});
const terminal = createTerminal((text) => process.stdout.write(text));
const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));

try {
  await main();
} catch (error) {
  process.stderr.write(`${forPeople(error)}\n`);
  process.exit(error instanceof SettingsRefusedError ? EXIT_CODE_SETTINGS : 1);
}

async function main(): Promise<void> {
  const env = withoutMisspelled(await readEnvironment(projectRoot), terminal.say);
  sayUnread(env, terminal.say);
  const settings = exitOnSettingsError(() => readSettings(stackSettings, { program: "npm start", env }));
  const data = await openDataDirectory(projectRoot, settings.VEIL_DATA_DIR);
  const unlock = await lockDataDirectory(data.lockFile);
  const children = new ChildRegistry(data.childrenFile);
  const stopOrder = new StopOrder();
  const context: StackContext = {
    env,
    settings,
    data,
    terminal,
    children,
    stopOrder,
    runFile: new RunFile(data.runFile),
    supervision: (name) => ({ name, report: terminal.say, clock: systemClock }),
  };

  const interruption = new AbortController();
  const stopAll = async () => {
    await stopOrder.stop();
    await children.clear();
    await context.runFile.remove();
    await unlock();
  };
  onStopSignals(
    (reason) => {
      terminal.say(`${reason}: stopping everything; once more to stop at once.`);
      interruption.abort();
      void stopAll().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${forPeople(error)}\n`);
          process.exit(1);
        },
      );
    },
    () => {
      stopOrder.kill();
      process.exit(1);
    },
  );

  try {
    await startStack(context, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return;
    terminal.endHoldingBack("failed");
    await stopAll();
    throw error;
  }
}

/** The text for people: without a stack trace where the message says it all. */
function forPeople(error: unknown): string {
  const speaksForItself = [StackStartError, EngineStartError, NoEngineError, WrongBinaryError];
  if (!(error instanceof Error)) return String(error);
  return speaksForItself.some((known) => error instanceof known) ? error.message : (error.stack ?? error.message);
}
