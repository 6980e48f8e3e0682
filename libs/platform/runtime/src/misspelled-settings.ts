import { distance } from "fastest-levenshtein";
import type { Logger } from "./create-logger.ts";
import type { Environment } from "./read-settings.ts";
import { SETTING_NAMES } from "./setting-names.ts";

/** A variable that no program reads, and the setting that it was probably meant to be. */
export interface MisspelledSetting {
  readonly name: string;
  readonly meant: string;
}

/** Variables of others with names similar to our settings, each with its own reader. */
const OF_OTHERS = new Set([
  // Of the compose file and the preparation of a deployment.
  ...["API_PUBLISH", "MONGODB_ADDRESS", "REDIS_ADDRESS", "REDIS_MAXMEMORY", "XRAY_INBOUND_PORT", "XRAY_WORKERS"],
]);
/** Kubernetes and Docker tell containers of other services so: `API_PORT=tcp://10.0.0.1:8000`, `API_PORT_8000_TCP_PORT`. */
const LINKED_SERVICE = /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/;
const LINKED_ADDRESS = /^(tcp|udp):\/\//;

const LONG_NAME = 8;

/**
 * Variables whose names are close to those of settings: an unknown one is ignored, and so a mistyped setting silently has its
 * default. Values are looked at by nobody.
 */
export function misspelledSettings(env: Environment): MisspelledSetting[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const bare = name.replace(/_FILE$/i, "");
    if (value === undefined || value === "" || SETTING_NAMES.has(bare) || OF_OTHERS.has(name)) return [];
    if (LINKED_SERVICE.test(name) || LINKED_ADDRESS.test(value)) return [];
    const meant = SETTING_NAMES.has(bare.toUpperCase()) ? bare.toUpperCase() : nearest(bare);
    return meant === null ? [] : [{ name, meant: bare === name ? meant : `${meant}_FILE` }];
  });
}

/** Names them in one line of the log; their values stay out of it. */
export function warnOfMisspelledSettings(env: Environment, log: Pick<Logger, "warn">): void {
  const misspelled = misspelledSettings(env);
  if (misspelled.length > 0) log.warn({ misspelled }, "settings with unknown names are ignored");
}

function nearest(name: string): string | null {
  const near = [...SETTING_NAMES]
    .map((setting) => ({ setting, edits: distance(name, setting) }))
    .filter(({ setting, edits }) => edits <= mostEdits(setting) || leavesWordsOut(name, setting))
    .toSorted((one, other) => one.edits - other.edits);
  return near[0]?.setting ?? null;
}

/** Two letters of a long name may be wrong, which covers two that changed places. */
function mostEdits(setting: string): number {
  return setting.length < LONG_NAME ? 1 : 2;
}

/** Whether a name is a setting's with words missing behind the first one: `API_SECRET` and `XRAY_PORT`. */
function leavesWordsOut(name: string, setting: string): boolean {
  const [first, ...others] = name.split("_");
  const [settingFirst, ...words] = setting.split("_");
  if (first !== settingFirst || others.length === 0) return false;
  let from = 0;
  return others.every((word) => {
    from = words.indexOf(word, from) + 1;
    return from > 0;
  });
}
