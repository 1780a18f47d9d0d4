// Decides which known word somebody meant.

/** Edits between two words, a swap of neighbours counting once. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (same ? 0 : 1),
          swapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}

/** The nearest known word if it is near enough to be a slip: one edit in three letters, at most three. */
export function nearest(word: string, known: readonly string[]): string | null {
  const slips = Math.min(3, Math.ceil(word.length / 3));
  const given = word.toLowerCase().replaceAll("-", "_");
  const near = known
    .filter((name) => Math.abs(name.length - word.length) <= slips)
    .map((name) => ({ name, edits: distance(given, name) }))
    .filter(({ edits }) => edits <= slips)
    .toSorted((a, b) => a.edits - b.edits);
  return near[0]?.name ?? null;
}
