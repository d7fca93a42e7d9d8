/** The request as code to copy. The key is read from the environment, never written into the code. */

import type { Body } from "./conversation.ts";

export type Language = "curl" | "python" | "javascript";
export const LANGUAGES: readonly (readonly [Language, string])[] = [
  ["curl", "curl"], ["python", "Python"], ["javascript", "JavaScript"],
];
const KEY = "ROUTE_SWITCH_API_KEY";

export function snippet(language: Language, base: string, body: Body, headers: Record<string, string>): string {
  return { curl, python, javascript }[language](base, body, headers);
}

/** Quote for a POSIX shell: everything but a single quote is literal within single quotes. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function curl(base: string, body: Body, headers: Record<string, string>): string {
  const lines = [
    `curl ${shell(`${base}/v1/chat/completions`)}`,
    `-H "Authorization: Bearer $${KEY}"`,
    `-H 'Content-Type: application/json'`,
    ...Object.entries(headers).map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`),
    `-d ${shell(JSON.stringify(body, null, 2))}`,
  ];
  return lines.join(" \\\n  ");
}

/** JSON is Python but for three words, which cannot be in a string here: they are written anew. */
function pythonic(value: unknown, indent = ""): string {
  const deeper = `${indent}    `;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) {
    return value.length === 0 ? "[]" : `[\n${value.map((each) => `${deeper}${pythonic(each, deeper)},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object") {
    const entries = Object.entries(value as object);
    return entries.length === 0 ? "{}" : `{\n${entries.map(([name, each]) => `${deeper}${quoted(name)}: ${pythonic(each, deeper)},\n`).join("")}${indent}}`;
  }
  return typeof value === "string" ? quoted(value) : String(value);
}

/** JSON's escapes mean the same in Python, except for surrogate pairs, which JSON.stringify keeps as they are. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function python(base: string, body: Body, headers: Record<string, string>): string {
  const { model, messages, max_tokens, ...extra } = body;
  const given = [
    `    model=${quoted(model)},`,
    `    messages=${pythonic(messages, "    ")},`,
    ...(max_tokens === undefined ? [] : [`    max_tokens=${max_tokens},`]),
    ...(Object.keys(extra).length === 0 ? [] : [`    extra_body=${pythonic(extra, "    ")},`]),
    ...(Object.keys(headers).length === 0 ? [] : [`    extra_headers=${pythonic(headers, "    ")},`]),
  ];
  return [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${quoted(`${base}/v1`)}, api_key=os.environ["${KEY}"])`,
    "answer = client.chat.completions.create(",
    ...given,
    ")",
    "print(answer.choices[0].message.content)",
  ].join("\n");
}

function javascript(base: string, body: Body, headers: Record<string, string>): string {
  const options = Object.keys(headers).length === 0 ? "" : `, ${JSON.stringify({ headers }, null, 2)}`;
  return [
    'import OpenAI from "openai";',
    "",
    `const client = new OpenAI({ baseURL: ${quoted(`${base}/v1`)}, apiKey: process.env.${KEY} });`,
    `const answer = await client.chat.completions.create(${JSON.stringify(body, null, 2)}${options});`,
    "console.log(answer.choices[0].message.content);",
  ].join("\n");
}
