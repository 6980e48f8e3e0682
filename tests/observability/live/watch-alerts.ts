import { setTimeout as sleep } from "node:timers/promises";
import type { RunningPrometheus } from "./start-prometheus.ts";

/** The story of one alert, in seconds since the watch began. */
export interface AlertStory {
  readonly name: string;
  readonly labels: string;
  readonly summary: string;
  readonly pendingAt?: number;
  readonly firingAt?: number;
  readonly clearedAt?: number;
}

export interface AlertWatch {
  stories(): AlertStory[];
  /** How many are pending or firing now, but for those of some names. */
  active(without: readonly string[]): number;
  stop(): Promise<void>;
}

type Story = { -readonly [Field in keyof AlertStory]: AlertStory[Field] };

const LOOK_EVERY_MS = 1_000;

export function watchAlerts(prometheus: RunningPrometheus): AlertWatch {
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1_000);
  const stories: Story[] = [];
  let active = new Map<string, Story>();
  let isStopped = false;

  const look = async () => {
    const now = new Map<string, Story>();
    for (const { labels, annotations, state } of await prometheus.alerts()) {
      const { alertname: name = "", severity: _, ...others } = labels;
      const what = Object.entries(others).map(([label, value]) => `${label}=${value}`);
      const key = [name, ...what].join(" ");
      const story = active.get(key) ?? { name, labels: what.join(" "), summary: annotations["summary"] ?? "" };
      if (!active.has(key)) stories.push(story);
      now.set(key, story);
      if (state === "pending") story.pendingAt ??= seconds();
      else if (story.firingAt === undefined)
        Object.assign(story, { firingAt: seconds(), summary: annotations["summary"] });
    }
    for (const [key, story] of active) if (!now.has(key)) story.clearedAt = seconds();
    active = now;
  };
  const watching = (async () => {
    while (!isStopped) {
      await look();
      await sleep(LOOK_EVERY_MS);
    }
  })();
  return {
    stories: () => stories,
    active: (without) => [...active.values()].filter(({ name }) => !without.includes(name)).length,
    stop: async () => {
      isStopped = true;
      await watching;
    },
  };
}
