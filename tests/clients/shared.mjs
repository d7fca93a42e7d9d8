// What the programs beside this file share. Each drives Node's clients of one protocol against a
// stack, and prints what each of them saw of each case as JSON.
//
// BASE_URL and API_KEY are in the environment. The upstream knows a case by the words in brackets,
// see tests/support/clients.py. A result is what a user of the client gets, in the same form for
// all clients; an error is told by its class, status and code.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = join(process.cwd(), ".build/clients/node/");
const find = createRequire(pathToFileURL(folder));
export const load = (name) => import(pathToFileURL(find.resolve(name)));

export const { BASE_URL: baseURL, API_KEY: apiKey } = process.env;
export const [ai, { z }] = await Promise.all([load("ai"), load("zod")]);
export const City = z.object({ city: z.string() });
export const Tide = z.object({ height_m: z.number() });

const LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun.";
export const asking = (word, client) => `[${word} ${client}] ${LONG}`;

// Whether at least five of eight words come one by one, and not together.
export async function paced(parts, textOf) {
  const times = [];
  for await (const part of parts) if (textOf(part)) times.push(performance.now());
  return times.slice(1).filter((time, n) => time - times[n] > 50).length > 2;
}

// What the AI SDK's answers say, whole and streamed.
export async function aiSaid(answer) {
  const usage = await answer.usage;
  return { text: await answer.text, tokens: [usage.inputTokens, usage.outputTokens] };
}

export const aiThought = async (answer) => ({
  reasoning: await answer.reasoningText,
  text: await answer.text,
});

export const aiCalls = (found) => found.map((call) => [call.toolName, call.input]);

// A tool that the AI SDK runs by itself.
export const aiRunning = () => ({
  tools: { weather: ai.tool({ inputSchema: City, execute: async () => "sun" }) },
  stopWhen: ai.stepCountIs(3),
});

const codeOf = (error) => ({ code: error.code ?? error.data?.error?.code ?? null });

function told(error, more) {
  const inner = error.lastError ?? error; // of the AI SDK's RetryError
  return {
    error: inner.constructor.name,
    status: inner.status ?? inner.statusCode ?? null,
    ...more(inner),
  };
}

// Run all cases of all clients at once, and print what they saw. `more` tells what else than its
// class and status an error has.
export async function report(clients, more = codeOf) {
  const seen = {};
  await Promise.all(
    Object.entries(clients).flatMap(([client, cases]) => {
      seen[client] = {};
      return Object.entries(cases).map(async ([word, run]) => {
        try {
          seen[client][word] = await run();
        } catch (error) {
          seen[client][word] = told(error, more);
        }
      });
    }),
  );
  process.stdout.write(`\n${JSON.stringify(seen)}\n`);
}
