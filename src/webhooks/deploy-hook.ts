// What a pipeline says after it deployed a Pages project.
import { z } from "zod";
import type { FieldError } from "../failover/results.ts";
import { pointerTo } from "../failover/field-errors.ts";

/** What isn't known is left alone: pipelines send more than we ask for. A wrong type is a fault to tell. */
export const deployHookSchema = z.looseObject({
  pages_project: z
    .string("must be the Pages project's name")
    .min(1, "must be the Pages project's name")
    .max(63, "is longer than a Pages project's name can be"),
  deployment_id: z.string("must be text").max(100).nullable().optional(),
  environment: z.string("must be text").max(100).nullable().optional(),
  commit: z.string("must be text").max(200).nullable().optional(),
});

export type ParsedDeploy =
  | { readonly ok: true; readonly deploy: { readonly project: string } }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

export function parseDeploy(body: string): ParsedDeploy {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, errors: [{ pointer: "", message: "is not valid JSON" }] };
  }
  const parsed = deployHookSchema.safeParse(value);
  if (parsed.success) return { ok: true, deploy: { project: parsed.data.pages_project } };
  const errors = parsed.error.issues.map(({ path, message }) => ({ pointer: pointerTo(path), message }));
  return { ok: false, errors };
}
