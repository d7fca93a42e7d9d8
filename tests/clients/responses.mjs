// Drives Node's clients of the Responses API against a stack: see `shared.mjs`.

import { City, Tide, ai, aiCalls, aiRunning, aiSaid, aiThought } from "./shared.mjs";
import { apiKey, asking, baseURL, load, paced, report } from "./shared.mjs";

const [{ default: OpenAI }, { zodTextFormat }, { createOpenAI }] = await Promise.all([
  load("openai"),
  load("openai/helpers/zod"),
  load("@ai-sdk/openai"),
]);

function openaiNode() {
  const client = new OpenAI({ baseURL, apiKey });
  const weather = {
    type: "function",
    name: "weather",
    strict: false,
    parameters: { type: "object", properties: { city: { type: "string" } } },
  };
  const patch = { type: "custom", name: "apply_patch", description: "Edit files." };
  const body = (word, more) => ({
    model: "tier-1",
    input: asking(word, "openai-node"),
    ...more,
  });
  const create = (word, more) => client.responses.create(body(word, more));
  const streamed = (word, more) => client.responses.stream(body(word, more)).finalResponse();
  const said = (response) => ({
    text: response.output_text,
    tokens: [response.usage.input_tokens, response.usage.output_tokens],
  });
  const calls = (response) =>
    response.output
      .filter((item) => item.type === "function_call")
      .map((item) => [item.name, JSON.parse(item.arguments)]);
  const custom = (response) =>
    response.output.filter((i) => i.type === "custom_tool_call").map((i) => [i.name, i.input]);
  const thought = (response) => ({
    reasoning: response.output[0].summary[0].text,
    text: response.output_text,
  });
  async function loop() {
    const input = [{ role: "user", content: asking("loop", "openai-node") }];
    const first = await create("loop", { input, tools: [weather] });
    for (const item of first.output) {
      input.push(item);
      if (item.type === "function_call")
        input.push({ type: "function_call_output", call_id: item.call_id, output: "sun" });
    }
    return (await create("loop", { input, tools: [weather] })).output_text;
  }
  return {
    text: async () => said(await create("text", { model: "auto" })),
    stream: async () => said(await streamed("stream", { model: "auto" })),
    pace: async () =>
      paced(
        await create("pace", { stream: true }),
        (event) => event.type === "response.output_text.delta",
      ),
    tools: async () => calls(await create("tools", { tools: [weather] })),
    tools_streamed: async () => calls(await streamed("tools_streamed", { tools: [weather] })),
    loop,
    custom: async () => custom(await create("custom", { tools: [patch] })),
    custom_streamed: async () => custom(await streamed("custom_streamed", { tools: [patch] })),
    structured: async () =>
      (
        await client.responses.parse(
          body("structured", { text: { format: zodTextFormat(Tide, "tide") } }),
        )
      ).output_parsed,
    reasoning: async () => thought(await create("reasoning")),
    reasoning_streamed: async () => thought(await streamed("reasoning_streamed")),
    lines: async () => said(await streamed("lines")).text,
    completion: async () =>
      (
        await client.completions.create({
          model: "tier-1",
          prompt: asking("completion", "openai-node"),
        })
      ).choices[0].text,
    completion_streamed: async () => {
      let text = "";
      const prompt = asking("completion_streamed", "openai-node");
      for await (const part of await client.completions.create({
        model: "tier-1",
        prompt,
        stream: true,
      }))
        text += part.choices[0]?.text ?? "";
      return text;
    },
    overflow: () => create("overflow"),
    limited: () => create("limited"),
    stored: () => create("stored", { store: true }),
    earlier: () => create("earlier", { previous_response_id: "resp_1" }),
    retrieved: () => client.responses.retrieve("resp_1"),
    wrong_key: () => new OpenAI({ baseURL, apiKey: "rs-wrong" }).responses.create(body("wrong_key")),
  };
}

// With its default settings: `openai("…")` speaks the Responses API.
function aiSdk() {
  const openai = createOpenAI({ baseURL, apiKey });
  const weather = ai.tool({ inputSchema: City });
  const given = (word, more) => ({
    model: openai("tier-1"),
    prompt: asking(word, "ai-sdk"),
    ...more,
  });
  const ask = (word, more) => ai.generateText(given(word, more));
  const stream = (word, more) => ai.streamText(given(word, { onError: () => {}, ...more }));
  const later = async (word, more) => {
    const first = { role: "user", content: asking(word, "ai-sdk") };
    const answer = await ai.generateText({ model: openai("tier-1"), messages: [first], ...more });
    const { messages } = await answer.response;
    const next = { role: "user", content: "And then?" };
    return ai.generateText({
      model: openai("tier-1"),
      messages: [first, ...messages, next],
      ...more,
    });
  };
  const unstored = { providerOptions: { openai: { store: false } } };
  return {
    text: async () => aiSaid(await ask("text", { model: openai("auto") })),
    stream: async () => aiSaid(stream("stream", { model: openai("auto") })),
    pace: async () => paced(stream("pace").textStream, (text) => text),
    tools: async () => aiCalls((await ask("tools", { tools: { weather } })).toolCalls),
    tools_streamed: async () =>
      aiCalls(await stream("tools_streamed", { tools: { weather } }).toolCalls),
    loop: async () => (await ask("loop", aiRunning())).text,
    loop_streamed: async () => stream("loop_streamed", aiRunning()).text,
    structured: async () =>
      (await ask("structured", { output: ai.Output.object({ schema: Tide }) })).output,
    reasoning: async () => aiThought(await ask("reasoning")),
    reasoning_streamed: async () => aiThought(stream("reasoning_streamed")),
    lines: async () => stream("lines").text,
    turns: async () => aiSaid(await later("turns", unstored)),
    turns_stored: () => later("turns_stored"),
    overflow: () => ask("overflow"),
    limited: () => ask("limited"),
    wrong_key: () =>
      ask("wrong_key", { model: createOpenAI({ baseURL, apiKey: "rs-wrong" })("tier-1") }),
  };
}

await report({ "openai-node": openaiNode(), "ai-sdk": aiSdk() });
