import { join } from "node:path";
import { misspelledSettings, readFileIfThere, settingsAmong } from "@veil/runtime";
import { parse } from "dotenv";

/** The environment of this process over the `.env` in the project's root. */
export async function readEnvironment(projectRoot: string): Promise<NodeJS.ProcessEnv> {
  const text = (await readFileIfThere(join(projectRoot, ".env"))) ?? "";
  return { ...parse(text), ...process.env };
}

/** The environment without variables that look like mistyped settings; they are named here, once for all services. */
export function withoutMisspelled(env: NodeJS.ProcessEnv, say: (line: string) => void): NodeJS.ProcessEnv {
  const misspelled = misspelledSettings(env);
  for (const { name, meant } of misspelled) say(`There is no setting ${name}: it is ignored. Did you mean ${meant}?`);
  const names = new Set(misspelled.map(({ name }) => name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}

/** What an Xray is started with that is ours. */
const OF_OUR_XRAY = ["XRAY_ALLOW_PRIVATE", "XRAY_BLOCKED", "XRAY_UDP", "REALITY_DEST", "REALITY_PRIVATE_KEY"];

/** Names settings that nobody reads, because no Xray is started here. */
export function sayUnread(env: NodeJS.ProcessEnv, say: (line: string) => void): void {
  const [elsewhere] = settingsAmong(["XRAY_NODES", "XRAY_API_HOST"], env);
  const unread = settingsAmong(OF_OUR_XRAY, env);
  if (elsewhere === undefined || unread.length === 0) return;
  say(
    `No Xray is started beside ${elsewhere}, so these have no effect: ${unread.join(", ")}. Say so in that Xray's config.`,
  );
}
