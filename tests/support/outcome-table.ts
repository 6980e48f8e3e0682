import { readFile } from "node:fs/promises";

/**
 * The fate of an answer in a program: bytes went through it; it was loaded, says why and leads nowhere; it isn't in the
 * answer; the program makes nothing of it that connects.
 */
export type Outcome = "bytes" | "notice" | "left out" | "unusable";

const MARKS: Readonly<Record<Outcome, string>> = { bytes: "✓", notice: "⛔", "left out": "–", unusable: "✗" };

/** Outcomes of a run of tests, as the table of a document shows them. Nothing stands in it that no test came to. */
export class OutcomeTable {
  readonly #heads: readonly string[];
  readonly #columns: readonly string[];
  readonly #rows = new Map<string, Map<string, Outcome>>();

  /** @param heads of the columns that name a row @param columns of the outcomes, in their order */
  constructor(heads: readonly string[], columns: readonly string[]) {
    this.#heads = heads;
    this.#columns = columns;
  }

  /** Notes an outcome that was seen. */
  note(row: readonly string[], column: string, outcome: Outcome): void {
    if (!this.#columns.includes(column)) throw new Error(`there is no column ${column}`);
    const name = row.join(" | ");
    this.#rows.set(name, (this.#rows.get(name) ?? new Map<string, Outcome>()).set(column, outcome));
  }

  /** As Markdown, the rows in order of their names. */
  text(): string {
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const rows = [...this.#rows].sort(([one], [other]) => (one < other ? -1 : 1));
    return [
      line([...this.#heads, ...this.#columns]),
      line([...this.#heads.map(() => "---"), ...this.#columns.map(() => ":---:")]),
      ...rows.map(([name, outcomes]) => line([name, ...this.#columns.map((column) => markOf(outcomes.get(column)))])),
    ].join("\n");
  }
}

function markOf(outcome: Outcome | undefined): string {
  return outcome === undefined ? "" : MARKS[outcome];
}

/** The part of a document between `<!-- name: begin -->` and `<!-- name: end -->`. */
export async function partOfDocument(file: URL, name: string): Promise<string> {
  const text = await readFile(file, "utf8");
  return text.split(`<!-- ${name}: begin -->`)[1]?.split(`<!-- ${name}: end -->`)[0]?.trim() ?? "";
}
