// Drives Node's clients of chat completions against a stack: see `shared.mjs`.

import { City, Tide, ai, aiCalls, aiSaid, aiThought, apiKey, asking, baseURL } from "./shared.mjs";
import { load, paced, report, z } from "./shared.mjs";

const [{ default: OpenAI }, { zodResponseFormat }, { createOpenAICompatible }, langchain] =
  await Promise.all([
    load("openai"),
    load("openai/helpers/zod"),
    load("@ai-sdk/openai-compatible"),
    load("@langchain/openai"),
  ]);

function openaiNode() {
  const client = new OpenAI({ baseURL, apiKey });
  const tool = {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  };
  const body = (word, more) => ({
    model: "tier-1",
    messages: [{ role: "user", content: asking(word, "openai-node") }],
    ...more,
  });
  const create = (word, more) => client.chat.completions.create(body(word, more));
  const said = (answer) => ({
    text: answer.choices[0].message.content,
    tokens: [answer.usage.prompt_tokens, answer.usage.completion_tokens],
  });
  const calls = (message) =>
    message.tool_calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]);
  const streamed = (word, more) =>
    client.chat.completions
      .stream(body(word, { stream_options: { include_usage: true }, ...more }))
      .finalChatCompletion();
  return {
    text: async () => said(await create("text", { model: "auto" })),
    stream: async () => said(await streamed("stream", { model: "auto" })),
    pace: async () =>
      paced(await create("pace", { stream: true }), (part) => part.choices[0]?.delta.content),
    tools: async () => calls((await create("tools", { tools: [tool] })).choices[0].message),
    tools_streamed: async () =>
      calls((await streamed("tools_streamed", { tools: [tool] })).choices[0].message),
    structured: async () =>
      (
        await client.chat.completions.parse(
          body("structured", { response_format: zodResponseFormat(Tide, "tide") }),
        )
      ).choices[0].message.parsed,
    choices: async () =>
      (await create("choices", { n: 2 })).choices.map((choice) => choice.message.content),
    choices_streamed: async () =>
      (await streamed("choices_streamed", { n: 2 })).choices.map((c) => c.message.content),
    reasoning: async () => {
      const { message } = (await create("reasoning")).choices[0];
      return { reasoning: message.reasoning_content, text: message.content };
    },
    lines: async () => said(await streamed("lines")).text,
    overflow: () => create("overflow"),
    limited: () => create("limited"),
    limited_silent: () => create("limited_silent", { model: "auto" }),
    wrong_key: () =>
      new OpenAI({ baseURL, apiKey: "rs-wrong" }).chat.completions.create(body("wrong_key")),
  };
}

function aiSdk() {
  const provider = (key) =>
    createOpenAICompatible({
      name: "route-switch",
      baseURL,
      apiKey: key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
  const model = (name) => provider(apiKey).chatModel(name);
  const tools = { weather: ai.tool({ inputSchema: City }) };
  const given = (word, more) => ({
    model: model("tier-1"),
    prompt: asking(word, "ai-sdk"),
    ...more,
  });
  const ask = (word, more) => ai.generateText(given(word, more));
  const stream = (word, more) =>
    ai.streamText(given(word, { onError: () => {}, ...more }));
  return {
    text: async () => aiSaid(await ask("text", { model: model("auto") })),
    stream: async () => aiSaid(stream("stream", { model: model("auto") })),
    pace: async () => paced(stream("pace").textStream, (text) => text),
    tools: async () => aiCalls((await ask("tools", { tools })).toolCalls),
    tools_streamed: async () => aiCalls(await stream("tools_streamed", { tools }).toolCalls),
    structured: async () =>
      (await ask("structured", { output: ai.Output.object({ schema: Tide }) })).output,
    reasoning: async () => aiThought(await ask("reasoning")),
    lines: async () => stream("lines").text,
    overflow: () => ask("overflow"),
    limited: () => ask("limited"),
    // It waits 2 s, then 4 s, where no server says how long.
    limited_silent: () => ask("limited_silent", { model: model("auto"), maxRetries: 1 }),
    wrong_key: () => ask("wrong_key", { model: provider("rs-wrong").chatModel("tier-1") }),
  };
}

function langchainJs() {
  const chat = (more) =>
    new langchain.ChatOpenAI({ model: "tier-1", apiKey, configuration: { baseURL }, ...more });
  const weather = {
    type: "function",
    function: { name: "weather", parameters: z.toJSONSchema(City) },
  };
  const words = (word) => asking(word, "langchain-js");
  const whole = async (parts) => {
    let sum;
    for await (const part of await parts) sum = sum === undefined ? part : sum.concat(part);
    return sum;
  };
  const said = (message) => ({
    text: message.content,
    tokens: [message.usage_metadata.input_tokens, message.usage_metadata.output_tokens],
  });
  const calls = (message) => message.tool_calls.map((call) => [call.name, call.args]);
  return {
    text: async () => said(await chat({ model: "auto" }).invoke(words("text"))),
    stream: async () => said(await whole(chat({ model: "auto" }).stream(words("stream")))),
    pace: async () => paced(await chat().stream(words("pace")), (part) => part.content),
    tools: async () => calls(await chat().bindTools([weather]).invoke(words("tools"))),
    tools_streamed: async () =>
      calls(await whole(chat().bindTools([weather]).stream(words("tools_streamed")))),
    structured: async () =>
      chat().withStructuredOutput(Tide, { method: "jsonSchema" }).invoke(words("structured")),
    choices: async () =>
      (await chat({ n: 2 }).generate([[["user", words("choices")]]])).generations[0].map(
        (generation) => generation.text,
      ),
    lines: async () => (await whole(chat().stream(words("lines")))).content,
    overflow: () => chat().invoke(words("overflow")),
    limited: () => chat({ maxRetries: 2 }).invoke(words("limited")),
    limited_silent: () => chat({ model: "auto", maxRetries: 2 }).invoke(words("limited_silent")),
    wrong_key: () => chat({ apiKey: "rs-wrong" }).invoke(words("wrong_key")),
  };
}

await report({ "openai-node": openaiNode(), "ai-sdk": aiSdk(), "langchain-js": langchainJs() });
