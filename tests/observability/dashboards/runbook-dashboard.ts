import { readFileSync } from "node:fs";

const runbook = readFileSync(new URL("../../../docs/runbook.md", import.meta.url), "utf8");
/** Characters that fit in a line of a panel as wide as the page, and the rows of Grafana's grid that lines and a title take. */
const LINE_CHARACTERS = 150;
const ROWS_PER_LINE = 0.7;
const TITLE_ROWS = 2;
const PAGE_COLUMNS = 24;

/** The runbook's paragraphs on alerts as a dashboard: a panel for each, so that an alert's reader needs no other page. */
export function runbookDashboard() {
  const [, alerts = ""] = /^## Alerts\n(.*?)(?=^## |(?![\s\S]))/ms.exec(runbook) ?? [];
  const [order = "", ...entries] = alerts.split(/^### /m);
  const sections = [["When several fire", order], ...entries.map(titleAndText)] as const;
  let y = 0;
  const panels = sections.map(([title, text = ""], index) => {
    const content = plain(text);
    const h = heightOf(content);
    y += h;
    const gridPos = { x: 0, y: y - h, w: PAGE_COLUMNS, h };
    const description = "From docs/runbook.md.";
    return { id: index + 1, type: "text", title, description, gridPos, options: { mode: "markdown", content } };
  });
  return { ...frame, panels };
}

const frame = {
  uid: "veil-runbook",
  title: "Veil / Runbook",
  description: "What each alert means, and what to do.",
  tags: ["veil"],
  schemaVersion: 39,
  version: 1,
  editable: true,
  time: { from: "now-1h", to: "now" },
  timezone: "browser",
  links: [
    {
      type: "dashboards",
      title: "Veil",
      tags: ["veil"],
      asDropdown: false,
      icon: "external link",
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      tooltip: "",
      url: "",
    },
  ],
  annotations: { list: [] },
  templating: {
    list: [
      {
        name: "datasource",
        label: "Data source",
        type: "datasource",
        query: "prometheus",
        current: {},
        hide: 2,
        refresh: 1,
      },
    ],
  },
} as const;

function titleAndText(entry: string): [title: string, text: string] {
  const end = entry.indexOf("\n");
  return [entry.slice(0, end), entry.slice(end)];
}

/** Links lead to files of the repository, which Grafana does not have. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\((?!https:)[^)]*\)/g, "$1").trim();
}

function heightOf(markdown: string): number {
  const paragraphs = markdown.split(/\n(?=\n|[-|]|\d\.)/);
  const lines = paragraphs.map((text) => Math.ceil(text.length / LINE_CHARACTERS) + 1);
  return TITLE_ROWS + Math.ceil(ROWS_PER_LINE * lines.reduce((sum, count) => sum + count, 0));
}
