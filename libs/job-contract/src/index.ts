/** Queue names, the job catalogue, typed producers and consumers. The only bullmq import. */
export {};
