import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The stories that take longest, on any machine. */
const LONGEST = [
  "crashes",
  "lost-answers",
  "late-writes",
  "races",
  "cloudflare-down",
  "misconfigured-endpoints",
  "import-adversity",
  "rate-limit",
  "open-facts",
];

function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((story) => moduleId.endsWith(`/${story}.test.ts`));
  return at === -1 ? LONGEST.length : at;
}

/** Within a project the longest stories first: begun last, one of them would run alone while the other cores idle. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Not an array's.
    // oxlint-disable-next-line unicorn/no-array-sort
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((one) =>
      sorted.filter(({ project }) => project === one).toSorted((a, b) => rank(a) - rank(b)),
    );
  }
}
