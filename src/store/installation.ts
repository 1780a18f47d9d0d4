/** Makes the installation's short id on first use and answers the stored one ever after, whoever came first. */
export async function loadInstallation(db: D1Database, proposed: string): Promise<string> {
  const [, stored] = await db.batch<{ short_id: string }>([
    db
      .prepare("INSERT INTO installation (only, short_id) VALUES (1, ?1) ON CONFLICT DO NOTHING")
      .bind(proposed),
    db.prepare("SELECT short_id FROM installation WHERE only = 1"),
  ]);
  const row = stored?.results[0];
  if (row === undefined) throw new Error("the installation's id could not be read back");
  return row.short_id;
}
