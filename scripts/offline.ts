/**
 * No telemetry, no look at the network, and no word but errors: ctrl-C reaches workerd too, which wrangler warns of as a
 * crash. wrangler reads them when it is imported.
 */
export const OFFLINE_AND_QUIET = {
  WRANGLER_LOG: "error",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};
