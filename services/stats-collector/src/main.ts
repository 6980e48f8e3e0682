/** Reads the counters of every node into the traffic ledger and answers traffic jobs. */
export {};
