import { parseArgs } from "node:util";

export interface BenchArguments {
  readonly quick: boolean;
  /** Names of cases; all when empty. */
  readonly cases: readonly string[];
  /** How many keys are to be present, instead of what each case says; one run of each case for each of them. */
  readonly keys: readonly number[];
  readonly rounds: number;
  /** Where the JSON goes. */
  readonly out: string;
  /** The page whose table is replaced; null for none. */
  readonly markdown: string | null;
  readonly profileDir: string | null;
  readonly list: boolean;
}

export const USAGE = `npm run bench -- [--quick] [--case NAME]... [--keys N]... [--rounds N] [--out FILE] [--markdown FILE] [--profile DIR] [--list]

  --quick          a small run of three minutes that shows that everything works
  --case NAME      only this case; may be repeated
  --keys N         so many keys present instead of what each case says; may be repeated, to see how a case grows
  --rounds N       rounds that count (3; 1 when quick)
  --out FILE       where the figures go as JSON (.veil/bench.json)
  --markdown FILE  put the table between its markers in a page, for example docs/performance.md
  --profile DIR    the services leave CPU profiles there
  --list           list the cases

REDIS_URL and MONGODB_URI name engines to use instead of those that are started here.`;

/** @throws {TypeError} on an unknown option */
export function readArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      case: { type: "string", multiple: true, default: [] },
      keys: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      out: { type: "string", default: ".veil/bench.json" },
      markdown: { type: "string" },
      profile: { type: "string" },
      list: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError("--rounds takes a number from 1");
  const keys = values.keys.map(Number);
  if (keys.some((count) => !Number.isInteger(count) || count < 1)) throw new TypeError("--keys takes a number from 1");
  return {
    quick: values.quick,
    cases: values.case,
    keys,
    rounds,
    out: values.out,
    markdown: values.markdown ?? null,
    profileDir: values.profile ?? null,
    list: values.list,
  };
}
