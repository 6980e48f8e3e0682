import { parseArgs } from "node:util";
import { type QueueName, queueNames } from "@veil/job-contract";

export const usage = `usage: npm run jobs -- <command> [--queue ${queueNames.join("|")}]

  failed       lists the failed jobs with their reasons
  retry <id>   has one of them delivered again
  retry-all    has all of them delivered again

Without --queue every queue is meant. REDIS_URL and QUEUE_PREFIX say where, as for the services.`;

/** A parsed command line. */
export type Command = { readonly queues: readonly QueueName[] } & (
  | { readonly action: "failed" }
  | { readonly action: "retry"; readonly id: string }
  | { readonly action: "retry-all" }
);

/** The command of a command line, null when it is none. */
export function parseCommand(args: readonly string[]): Command | null {
  const parsed = parsedOrNull(args);
  if (parsed === null) return null;
  const { positionals, values } = parsed;
  const queues = values.queue === undefined ? queueNames : queueNames.filter((name) => name === values.queue);
  const [action, id, ...more] = positionals;
  if (queues.length === 0 || more.length > 0) return null;
  if (action === "retry") return id === undefined ? null : { action, id, queues };
  return (action === "failed" || action === "retry-all") && id === undefined ? { action, queues } : null;
}

function parsedOrNull(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { queue: { type: "string" } } });
  } catch {
    return null;
  }
}
