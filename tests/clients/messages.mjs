// Drives Node's clients of Anthropic's Messages API against a stack, as `clients.mjs` drives those of
// chat completions.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = join(process.cwd(), ".build/clients/node/");
const find = createRequire(pathToFileURL(folder));
const load = (name) => import(pathToFileURL(find.resolve(name)));
const [{ default: Anthropic }, { betaZodTool }, ai, { createAnthropic }, { z }] = await Promise.all([
  load("@anthropic-ai/sdk"),
  load("@anthropic-ai/sdk/helpers/beta/zod"),
  load("ai"),
  load("@ai-sdk/anthropic"),
  load("zod"),
]);

const { BASE_URL: v1, API_KEY: apiKey } = process.env;
const baseURL = v1.replace(/\/v1$/, "");
const LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun.";
const City = z.object({ city: z.string() });
const Tide = z.object({ height_m: z.number() });
const asking = (word, client) => `[${word} ${client}] ${LONG}`;

// Whether at least five of eight words come one by one, and not together.
async function paced(parts, textOf) {
  const times = [];
  for await (const part of parts) if (textOf(part)) times.push(performance.now());
  return times.slice(1).filter((time, n) => time - times[n] > 50).length > 2;
}

function anthropicNode() {
  const client = new Anthropic({ baseURL, apiKey });
  const weather = {
    name: "weather",
    input_schema: { type: "object", properties: { city: { type: "string" } } },
  };
  const body = (word, more) => ({
    model: "tier-1",
    max_tokens: 1000,
    messages: [{ role: "user", content: asking(word, "anthropic-node") }],
    ...more,
  });
  const create = (word, more) => client.messages.create(body(word, more));
  const streamed = (word, more) => client.messages.stream(body(word, more)).finalMessage();
  const textOf = (message) => message.content.find((block) => block.type === "text").text;
  const said = (message) => ({
    text: textOf(message),
    tokens: [message.usage.input_tokens, message.usage.output_tokens],
  });
  const calls = (message) =>
    message.content.filter((b) => b.type === "tool_use").map((b) => [b.name, b.input]);
  const thought = (message) => ({
    reasoning: message.content[0].thinking,
    text: textOf(message),
  });
  const runner = (word, more) =>
    client.beta.messages.toolRunner(
      body(word, {
        tools: [
          betaZodTool({
            name: "weather",
            description: "Tell the weather.",
            inputSchema: City,
            run: async () => "sun",
          }),
        ],
        ...more,
      }),
    );
  async function loopStreamed() {
    let last;
    for await (const stream of runner("loop_streamed", { stream: true }))
      last = await stream.finalMessage();
    return textOf(last);
  }
  return {
    text: async () => said(await create("text", { model: "auto" })),
    stream: async () => said(await streamed("stream", { model: "auto" })),
    pace: async () =>
      paced(
        await create("pace", { stream: true }),
        (event) => event.type === "content_block_delta",
      ),
    tools: async () => calls(await create("tools", { tools: [weather] })),
    tools_streamed: async () => calls(await streamed("tools_streamed", { tools: [weather] })),
    loop: async () => textOf(await runner("loop").runUntilDone()),
    loop_streamed: loopStreamed,
    reasoning: async () => thought(await create("reasoning")),
    reasoning_streamed: async () => thought(await streamed("reasoning_streamed")),
    lines: async () => textOf(await streamed("lines")),
    counted: async () => {
      const { messages } = body("counted");
      return (await client.messages.countTokens({ model: "auto", messages })).input_tokens > 10;
    },
    overflow: () => create("overflow"),
    limited: () => create("limited"),
    limited_silent: () => create("limited_silent", { model: "auto" }),
    unknown: () => create("unknown", { model: "tier-9" }),
    server_tool: () =>
      create("server_tool", { tools: [{ type: "web_search_20250305", name: "web_search" }] }),
    wrong_key: () =>
      new Anthropic({ baseURL, apiKey: "rs-wrong" }).messages.create(body("wrong_key")),
  };
}

function aiSdk() {
  const provider = (key) => createAnthropic({ baseURL: v1, apiKey: key });
  const given = (word, more) => ({
    model: provider(apiKey)("tier-1"),
    prompt: asking(word, "ai-sdk-anthropic"),
    ...more,
  });
  const ask = (word, more) => ai.generateText(given(word, more));
  const stream = (word, more) => ai.streamText(given(word, { onError: () => {}, ...more }));
  const auto = { model: provider(apiKey)("auto") };
  const tools = { weather: ai.tool({ inputSchema: City }) };
  const said = async (answer) => {
    const usage = await answer.usage;
    return { text: await answer.text, tokens: [usage.inputTokens, usage.outputTokens] };
  };
  const calls = (found) => found.map((call) => [call.toolName, call.input]);
  const thought = async (answer) => ({
    reasoning: await answer.reasoningText,
    text: await answer.text,
  });
  const running = {
    tools: { weather: ai.tool({ inputSchema: City, execute: async () => "sun" }) },
    stopWhen: ai.stepCountIs(3),
  };
  return {
    text: async () => said(await ask("text", auto)),
    stream: async () => said(stream("stream", auto)),
    pace: async () => paced(stream("pace").textStream, (text) => text),
    tools: async () => calls((await ask("tools", { tools })).toolCalls),
    tools_streamed: async () => calls(await stream("tools_streamed", { tools }).toolCalls),
    loop: async () => (await ask("loop", running)).text,
    loop_streamed: async () => stream("loop_streamed", running).text,
    structured: async () =>
      (await ask("structured", { output: ai.Output.object({ schema: Tide }) })).output,
    reasoning: async () => thought(await ask("reasoning")),
    reasoning_streamed: async () => thought(stream("reasoning_streamed")),
    lines: async () => stream("lines").text,
    overflow: () => ask("overflow"),
    limited: () => ask("limited"),
    unknown: () => ask("unknown", { model: provider(apiKey)("tier-9") }),
    wrong_key: () => ask("wrong_key", { model: provider("rs-wrong")("tier-1") }),
  };
}

function told(error) {
  const inner = error.lastError ?? error; // of the AI SDK's RetryError
  const body = inner.error ?? inner.data ?? {};
  return {
    error: inner.constructor.name,
    status: inner.status ?? inner.statusCode ?? null,
    type: body.error?.type ?? null,
  };
}

const clients = { "anthropic-node": anthropicNode(), "ai-sdk-anthropic": aiSdk() };
const report = {};
await Promise.all(
  Object.entries(clients).flatMap(([client, cases]) => {
    report[client] = {};
    return Object.entries(cases).map(async ([word, run]) => {
      try {
        report[client][word] = await run();
      } catch (error) {
        report[client][word] = told(error);
      }
    });
  }),
);
process.stdout.write(`\n${JSON.stringify(report)}\n`);
