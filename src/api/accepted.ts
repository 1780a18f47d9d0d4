// The answer to what takes longer than a request: 202 with the operation, or 200 if it ended within the preferred wait.
import type { Context } from "hono";
import * as contract from "./contract.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";
import { awaitOperation, hasEnded } from "./prefer.ts";
import { presentOperation } from "./present.ts";
import { operationSchema } from "./schemas.ts";

const headers = { ...contract.HEADERS.location, ...contract.HEADERS.preferenceApplied };

export const acceptedAnswers = {
  200: contract.answer("Ended within the preferred wait.", operationSchema, headers),
  202: contract.answer("Accepted; it goes on.", operationSchema, headers),
};

export async function answerOperation(
  c: Context<ApiEnv>,
  dependencies: ApiDependencies,
  operationId: string,
) {
  const operation = await awaitOperation(c, dependencies, operationId);
  c.header("Location", `/v1/operations/${operation.id}`);
  return c.json(presentOperation(operation), hasEnded(operation) ? 200 : 202);
}
