// Drives Node's clients of Anthropic's Messages API against a stack: see `shared.mjs`.

import { City, Tide, ai, aiCalls, aiRunning, aiSaid, aiThought } from "./shared.mjs";
import { apiKey, asking, load, paced, report, baseURL as v1 } from "./shared.mjs";

const [{ default: Anthropic }, { betaZodTool }, { createAnthropic }] = await Promise.all([
  load("@anthropic-ai/sdk"),
  load("@anthropic-ai/sdk/helpers/beta/zod"),
  load("@ai-sdk/anthropic"),
]);

const baseURL = v1.replace(/\/v1$/, "");

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
  return {
    text: async () => aiSaid(await ask("text", auto)),
    stream: async () => aiSaid(stream("stream", auto)),
    pace: async () => paced(stream("pace").textStream, (text) => text),
    tools: async () => aiCalls((await ask("tools", { tools })).toolCalls),
    tools_streamed: async () => aiCalls(await stream("tools_streamed", { tools }).toolCalls),
    loop: async () => (await ask("loop", aiRunning())).text,
    loop_streamed: async () => stream("loop_streamed", aiRunning()).text,
    structured: async () =>
      (await ask("structured", { output: ai.Output.object({ schema: Tide }) })).output,
    reasoning: async () => aiThought(await ask("reasoning")),
    reasoning_streamed: async () => aiThought(stream("reasoning_streamed")),
    lines: async () => stream("lines").text,
    overflow: () => ask("overflow"),
    limited: () => ask("limited"),
    unknown: () => ask("unknown", { model: provider(apiKey)("tier-9") }),
    wrong_key: () => ask("wrong_key", { model: provider("rs-wrong")("tier-1") }),
  };
}

const typeOf = (error) => ({ type: (error.error ?? error.data)?.error?.type ?? null });
await report({ "anthropic-node": anthropicNode(), "ai-sdk-anthropic": aiSdk() }, typeOf);
