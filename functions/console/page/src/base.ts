/** The address of the API: that of the page, without `/console`. */
export function base(page = location.href): string {
  return new URL(page).origin + new URL(page).pathname.replace(/\/console\/?$/, "");
}
