/** What every service process needs: settings, log, metrics, probes, ordered shutdown, clock. */
export {};
