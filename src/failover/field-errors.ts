// Says which member of a request is wrong, and how: zod's issues as JSON pointers (RFC 6901) with a message each.
import type { z } from "zod";
import type { FieldError } from "./results.ts";

type Issue = z.core.$ZodIssue;

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((member) => `/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Of a union's branches the one that is meant: the one whose complaint is about a member, not about the whole. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"),
  );
}

function errorsOf(issue: Issue, at: readonly PropertyKey[]): FieldError[] {
  const path = [...at, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: pointerTo([...path, key]),
      message: "is not a known member here: leave it out, or mend its spelling",
    }));
  }
  const branch = issue.code === "invalid_union" ? meantBranch(issue.errors) : undefined;
  if (branch !== undefined) return branch.flatMap((inner) => errorsOf(inner, path));
  return [{ pointer: pointerTo(path), message: issue.message }];
}

/** Every fault that zod found, in its order; each unknown member is named by a pointer of its own. */
export function fieldErrors(issues: readonly Issue[]): FieldError[] {
  return issues.flatMap((issue) => errorsOf(issue, []));
}
