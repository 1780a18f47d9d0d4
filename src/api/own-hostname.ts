import { problem } from "./problem.ts";

/** A failover that covers this service's own hostname would cut its callers off, and its probes would meet itself. */
export function refuseOwnHostname(url: string, spec: Readonly<Record<string, unknown>>): void {
  const own = new URL(url).hostname;
  const errors = ["hostname", "test_hostname"]
    .filter(
      (member) => typeof spec[member] === "string" && spec[member].toLowerCase().replace(/\.$/, "") === own,
    )
    .map((member) => ({
      pointer: `/${member}`,
      message: "is this service's own hostname: give the website's",
    }));
  if (errors.length > 0)
    throw problem("invalid", "A failover can't cover the service that keeps it.", { errors });
}
