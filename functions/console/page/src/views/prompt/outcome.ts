/** What became of a text that was to be checked or published. */

interface Failure {
  /** Of the answer; 0 if none came. */
  status: number;
  code: string | null;
}

/**
 * The title of an error. `isPublishing` is false of a check, which changes nothing, and `isCurrent`
 * once the text was edited further.
 */
export function failureTitle({ status, code }: Failure, isPublishing: boolean, isCurrent: boolean): string {
  const text = isCurrent ? "This text" : "An earlier text";
  if (status === 400) return `${text} cannot be published`;
  if (!isPublishing) return `${text} was not checked`;
  if (code === "prompt_replaced") return `${text} went live, but it replaced another version`;
  const isRefused = status > 400 && status < 500;
  return isRefused ? `${text} was not published` : `It is not known whether ${text.charAt(0).toLowerCase()}${text.slice(1)} was published`;
}
