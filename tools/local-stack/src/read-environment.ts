import { join } from "node:path";
import { misspelledSettings, readFileIfThere } from "@veil/runtime";
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
