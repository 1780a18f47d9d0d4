// Decides how a failover is described in messages: what visitors get now, by its status at the time.
import type { Side, Stage } from "../failover/failover.ts";
import type { Serving, Sync, Verdict } from "../failover/results.ts";
import type { Severity } from "./notification.ts";

/** What messages need to know of a failover, as it is while they are written. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  /** Under which visitors come at its stage; null while the zone isn't known. */
  readonly hostname: string | null;
  readonly stage: Stage;
  readonly active: Side;
  readonly serving: Serving;
  readonly verdicts: Readonly<Record<Side, Verdict>>;
  readonly addresses: Readonly<Record<Side, string | null>>;
  readonly sync: Sync;
  /** Its status in a sentence or two, with the likely cause of what is wrong and what would mend it. */
  readonly message: string;
  /** Whether somebody else's changes or routing are in place and not accepted. */
  readonly drifted: boolean;
  readonly foreign: boolean;
  /** A rehearsal is under way: what it does to traffic is its own doing. */
  readonly drilling: boolean;
  /** Whose pool a lease takes out of use; null where none does. */
  readonly disabled: Side | null;
}

function endpoint(subject: Subject, side: Side): string {
  const address = subject.addresses[side];
  return address === null ? `the ${side}` : `the ${side} (${address})`;
}

/** One sentence: who answers those who come now. */
export function describeVisitors(subject: Subject): string {
  const { stage, serving } = subject;
  const hostname = subject.hostname ?? "its hostname";
  if (stage === "draft") return "Nobody visits it: it is a draft.";
  const who = stage === "production" ? `Visitors of ${hostname}` : `Whoever tests ${hostname}`;
  switch (serving) {
    case "primary":
    case "secondary":
      return `${who} get${stage === "production" ? "" : "s"} ${endpoint(subject, serving)}.`;
    case "none":
      return `${who} get${stage === "production" ? "" : "s"} an error: no endpoint serves.`;
    case "unknown":
      return `What ${stage === "production" ? "visitors of" : "testers of"} ${hostname} get is not known at the moment.`;
    default:
      return serving satisfies never;
  }
}

/** What nobody visits yet can't be an emergency. */
export function atStage(severity: Severity, stage: Stage): Severity {
  if (stage === "production") return severity;
  if (stage === "draft") return "info";
  return severity === "critical" ? "warning" : severity;
}
