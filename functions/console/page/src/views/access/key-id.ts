/**
 * Return the id that the API gave the key when it was made: its hash, shortened. A key whose secret
 * was replaced keeps its first id, so it is not found by this.
 */
export async function idOf(key: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  const hex = Array.from(new Uint8Array(hash), (each) => each.toString(16).padStart(2, "0")).join("");
  return `key_${hex.slice(0, 12)}`;
}
