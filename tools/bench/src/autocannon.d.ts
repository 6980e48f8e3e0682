/** What is used of autocannon, which comes without types. */
declare module "autocannon" {
  import type { EventEmitter } from "node:events";

  namespace autocannon {
    interface Request {
      method?: string;
      path?: string;
      headers?: Record<string, string>;
      body?: string;
      setupRequest?: (request: Request) => Request;
      onResponse?: (status: number, body: string) => void;
    }

    interface Options {
      url: string;
      connections: number;
      amount?: number;
      duration?: number;
      headers?: Record<string, string>;
      requests: Request[];
      /** Seconds. */
      timeout?: number;
      sampleInt?: number;
    }

    interface Result {
      errors: number;
      timeouts: number;
      non2xx: number;
      "2xx": number;
    }
  }

  /** Emits `response` (client, status code, bytes, milliseconds) for every answer. */
  function autocannon(options: autocannon.Options): EventEmitter & PromiseLike<autocannon.Result>;
  export = autocannon;
}
