// What was thrown and not meant for the client: everything unexpected is logged in full and answered without a detail.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { InvalidCursor } from "../actions/reader-port.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";
import { answerProblem, ProblemError, type Problem } from "./problem.ts";

const RETRY_AFTER_SECONDS = "5";

/** SQLite's own complaints are our bugs, all but those of the disk and of locks. */
const STORE_UNREACHABLE = /D1_(EXEC_)?ERROR(?!.*SQLITE_(?!BUSY|LOCKED|IOERR|FULL|CANTOPEN))/s;

/** D1 and Durable Objects mark what may work in a moment by a message or a flag, not by a class. */
export function isUnavailable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (STORE_UNREACHABLE.test(cause.message)) return true;
    if ("retryable" in cause && cause.retryable === true) return true;
    if ("overloaded" in cause && cause.overloaded === true) return true;
    if ("durableObjectReset" in cause && cause.durableObjectReset === true) return true;
  }
  return false;
}

function problemOf(error: Error): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof InvalidCursor) {
    const message = "is not a cursor of this list: pass next_cursor of the page before, unchanged";
    return {
      code: "invalid",
      detail: "The query is not valid.",
      errors: [{ pointer: "/cursor", in: "query", message }],
    };
  }
  if (error instanceof HTTPException && error.status === 400) {
    return { code: "bad-request", detail: "The request is malformed." };
  }
  if (isUnavailable(error)) {
    return {
      code: "unavailable",
      detail:
        "The database cannot be reached at the moment; nothing was changed that is not shown. Try again.",
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    };
  }
  return {
    code: "internal",
    detail: "Something went wrong on our side. The request id finds it in the log.",
  };
}

export function answerException({ log }: Pick<ApiDependencies, "log">) {
  return (error: Error, c: Context<ApiEnv>) => {
    const found = problemOf(error);
    if (found.code === "internal" || found.code === "unavailable") {
      log({
        level: "error",
        message: `request failed: ${found.code}`,
        request_id: c.get("requestId"),
        method: c.req.method,
        path: c.req.path,
        error: error.message,
        stack: error.stack,
      });
    }
    return answerProblem(c, found);
  };
}
