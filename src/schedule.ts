/** What a cron expression of wrangler.toml stands for. */
export type Job = "tick";

const JOBS: Readonly<Record<string, Job>> = { "* * * * *": "tick" };

/** Throws where wrangler.toml names an expression that this file doesn't: silence would be a service that never looks. */
export function jobFor(cron: string): Job {
  const job = JOBS[cron];
  if (job === undefined) throw new Error(`no job is known for the cron expression "${cron}"`);
  return job;
}
