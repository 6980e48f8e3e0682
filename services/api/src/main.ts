/** The REST API: validates, enqueues jobs, waits for their verdict, reads MongoDB. */
export {};
