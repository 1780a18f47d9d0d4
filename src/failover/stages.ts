// Decides the order of the stages: draft → testing → production.
import type { Stage } from "./failover.ts";

const ORDER: readonly Stage[] = ["draft", "testing", "production"];

export function stageAfter(stage: Stage): Stage | null {
  return ORDER[ORDER.indexOf(stage) + 1] ?? null;
}

export function stageBefore(stage: Stage): Stage | null {
  return ORDER[ORDER.indexOf(stage) - 1] ?? null;
}
