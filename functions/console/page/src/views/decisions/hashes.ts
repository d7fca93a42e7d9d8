/** Records of a stage that stores hashes (`text_storage: hash`) have these in place of texts. */

const HASH = /^[0-9a-f]{64}$/;

/** Whether the texts of a record are hashes: all that are stored look like one. A text alone could happen to. */
export function areHashes(...texts: readonly (string | null)[]): boolean {
  const stored = texts.filter((each) => each !== null);
  return stored.length > 0 && stored.every((each) => HASH.test(each));
}
