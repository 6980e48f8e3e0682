import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Buckets of a latency, in seconds: resolve 1 ms to 10 s. */
export const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** More started combinations than this are a label that is not bounded, or a product that nobody reads. */
const MAX_STARTED_COMBINATIONS = 1_000;

export type LabelCombination<Label extends string> = Readonly<Record<Label, string>>;

export interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** Every label with all the values it can take; a value that is not known beforehand is not fit for a label. */
  readonly labels?: Readonly<Record<Label, readonly string[]>>;
  /** The combinations that exist at 0 from the start. Default: all of them. */
  readonly startWith?: readonly LabelCombination<NoInfer<Label>>[];
  /** A label whose values come and go, see {@link Metrics.startSeries}: `labels` then says in words what they are. */
  readonly changing?: NoInfer<Label>;
}

export interface CounterOptions<Label extends string> extends MetricOptions<Label> {
  /** Raises the counter to a total that is kept elsewhere when it is read. Such a counter is not started at 0. */
  readonly collect?: (counter: Counter<Label>) => void;
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Sets the gauge when it is read, from what is at hand: a scrape must never block. Such a gauge is not started at 0. */
  readonly collect?: (gauge: Gauge<Label>) => void;
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds, ascending. Default {@link LATENCY_BUCKETS_SECONDS}. */
  readonly buckets?: readonly number[];
}

/** A metric as its documentation shows it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Every label with its values; none when they are not known beforehand. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** Metrics of one process. Counting code gets them passed in; nothing registers on prom-client's global registry. */
export interface Metrics {
  readonly registry: Registry;
  /** The metrics made here, in the order of their making; those of the Node process itself are not among them. */
  readonly descriptions: readonly MetricDescription[];
  counter<Label extends string = never>(options: CounterOptions<Label>): Counter<Label>;
  gauge<Label extends string = never>(options: GaugeOptions<Label>): Gauge<Label>;
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
  /** Begins, at 0, the series of a value of a label that changes. Those of one value that were more than 1,000 begin with their first use. */
  startSeries(label: string, value: string): void;
  /** Ends the series of a label value that is no more. */
  endSeries(label: string, value: string): Promise<void>;
}

/** A metric whose series are not filled anew at each scrape. */
interface KeptMetric {
  readonly options: MetricOptions<string>;
  start(combination: LabelCombination<string>): void;
  readonly metric: Pick<Counter, "get" | "remove">;
}

/** Thrown when a metric would start with more than 1,000 label combinations; name the needed ones in `startWith`. */
export class LabelCombinationsError extends Error {
  override readonly name = "LabelCombinationsError";
  readonly metric: string;
  readonly combinations: number;

  constructor(metric: string, combinations: number) {
    super(`${metric} would start with ${combinations} label combinations; name the needed ones in startWith`);
    this.metric = metric;
    this.combinations = combinations;
  }
}

/**
 * A registry with `veil_build_info` and the usual figures of a Node process (CPU, memory, event loop, garbage
 * collection), and makers of metrics whose every series exists at 0 from the start, so that absence is visible.
 * @param defaultMetrics False leaves the figures of the process out. Default true.
 */
export function createMetrics({
  service,
  version,
  defaultMetrics = true,
}: {
  service: string;
  version: string;
  defaultMetrics?: boolean;
}): Metrics {
  const registry = new Registry();
  const metrics = metricsOn(registry);
  if (defaultMetrics) collectDefaultMetrics({ register: registry });
  metrics
    .gauge({
      name: "veil_build_info",
      help: "Always 1; what runs is in the labels.",
      labels: { service: [service], version: [version], node_version: [process.version] },
    })
    .set({ service, version, node_version: process.version }, 1);
  return metrics;
}

function metricsOn(registry: Registry): Metrics {
  const registers = [registry];
  const descriptions: MetricDescription[] = [];
  const kept: KeptMetric[] = [];
  const begin = (one: KeptMetric) => {
    kept.push(one);
    for (const combination of startCombinations(one.options)) one.start(combination);
  };
  const describe = (type: MetricDescription["type"], { name, help, labels = {} }: MetricOptions<string>) =>
    descriptions.push({ name, type, help, labels });
  return {
    registry,
    descriptions,

    counter<Label extends string>(options: CounterOptions<Label>) {
      const { name, help, collect } = options;
      const counter: Counter<Label> = new Counter({
        name,
        help,
        labelNames: labelNames(options),
        registers,
        ...(collect !== undefined && { collect: () => collect(counter) }),
      });
      describe("counter", options);
      if (collect !== undefined) return counter;
      begin({ options, metric: counter, start: (combination: LabelCombination<Label>) => counter.inc(combination, 0) });
      return counter;
    },

    gauge<Label extends string>(options: GaugeOptions<Label>) {
      const { name, help, collect } = options;
      const gauge: Gauge<Label> = new Gauge({
        name,
        help,
        labelNames: labelNames(options),
        registers,
        ...(collect !== undefined && { collect: () => collect(gauge) }),
      });
      describe("gauge", options);
      if (collect !== undefined) return gauge;
      begin({ options, metric: gauge, start: (combination: LabelCombination<Label>) => gauge.set(combination, 0) });
      return gauge;
    },

    histogram<Label extends string>(options: HistogramOptions<Label>) {
      const { name, help, buckets = LATENCY_BUCKETS_SECONDS } = options;
      const histogram = new Histogram({
        name,
        help,
        labelNames: labelNames(options),
        buckets: [...buckets],
        registers,
      });
      describe("histogram", options);
      begin({
        options,
        metric: histogram,
        start: (combination: LabelCombination<Label>) => histogram.zero(combination),
      });
      return histogram;
    },

    startSeries(label, value) {
      for (const { options, start } of kept)
        for (const combination of combinationsOf(options, label, value)) start(combination);
    },

    async endSeries(label, value) {
      for (const { options, metric } of kept) {
        if (options.changing !== label) continue;
        const names = labelNames(options);
        for (const { labels } of (await metric.get()).values) {
          if (labels[label] === value)
            metric.remove(Object.fromEntries(names.map((name) => [name, labels[name] ?? ""])));
        }
      }
    },
  };
}

function labelNames<Label extends string>({ labels }: MetricOptions<Label>): Label[] {
  return labels === undefined ? [] : namesOf(labels);
}

function startCombinations<Label extends string>(options: MetricOptions<Label>): readonly LabelCombination<Label>[] {
  const { name, labels, startWith, changing } = options;
  if (changing !== undefined) return [];
  const count = startWith?.length ?? valuesOf(labels).reduce((product, values) => product * values.length, 1);
  if (count > MAX_STARTED_COMBINATIONS) throw new LabelCombinationsError(name, count);
  if (startWith !== undefined) return startWith;
  return labels === undefined ? [] : productOf(labels);
}

/** The combinations that a further value of a changing label makes; none where they would be too many. */
function combinationsOf(options: MetricOptions<string>, label: string, value: string): LabelCombination<string>[] {
  if (options.changing !== label) return [];
  const combinations = productOf({ ...options.labels, [label]: [value] });
  return combinations.length > MAX_STARTED_COMBINATIONS ? [] : combinations;
}

function productOf<Label extends string>(labels: Readonly<Record<Label, readonly string[]>>) {
  const names = namesOf(labels);
  return names
    .reduce<Record<string, string>[]>(
      (combinations, name) =>
        combinations.flatMap((combination) => labels[name].map((value) => ({ ...combination, [name]: value }))),
      [{}],
    )
    .filter((combination): combination is LabelCombination<Label> => names.every((name) => name in combination));
}

function namesOf<Label extends string>(labels: Readonly<Record<Label, unknown>>): Label[] {
  return Object.keys(labels).filter((name): name is Label => name in labels);
}

function valuesOf(labels: Readonly<Record<string, readonly string[]>> = {}): (readonly string[])[] {
  return Object.values(labels);
}

/**
 * Keeps a label bounded when its value comes from outside: an unknown value becomes `other`. Name `other` among the
 * label's values, too.
 */
export function boundedLabel<Value extends string>(allowed: readonly Value[]): (value: string) => Value | "other" {
  return (value) => allowed.find((candidate) => candidate === value) ?? "other";
}
