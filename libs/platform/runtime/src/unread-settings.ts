import type { Logger } from "./create-logger.ts";
import type { Environment } from "./read-settings.ts";

/** Settings that are read only where another one is set, by the name of that one. */
export type DependentSettings = Readonly<Record<string, readonly string[]>>;

/** Those of the settings that the environment has, by themselves or by a file. */
export function settingsAmong(names: readonly string[], env: Environment): string[] {
  const isSet = (name: string) => env[name] !== undefined && env[name] !== "";
  return names.filter((name) => isSet(name) || isSet(`${name}_FILE`));
}

/** Names settings in the log that nobody reads, because the one that gives them a meaning is not set. */
export function warnOfUnreadSettings(dependent: DependentSettings, env: Environment, log: Pick<Logger, "warn">): void {
  for (const [needed, names] of Object.entries(dependent)) {
    const unread = settingsAmong(names, env);
    if (unread.length === 0 || settingsAmong([needed], env).length > 0) continue;
    log.warn({ settings: unread, needed }, "settings have no effect: the one that they belong to is not set");
  }
}
