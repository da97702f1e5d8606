// What the node clients' scripts share: each is called with the asks, and says in JSON, a line each, what it saw.
//
//     node with-openai.mjs '[["chat", "MODEL"], ["stream", "MODEL"]]'

export const URL = process.env.SECONDWIND_URL;
export const KEY = process.env.SECONDWIND_KEY;

export const PROMPT = "Say something.";
export const QUESTION = "What is the weather in Paris?";
export const WHO = "Who wrote the first program?";
// What the tool of the scripts answers.
export const DEGREES = "21 degrees";
export const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

export async function run(functions) {
  for (const [what, model] of JSON.parse(process.argv[2])) {
    let saw;
    try {
      saw = await functions[what](model);
    } catch (error) {
      saw = { error: `${error?.stack ?? error}` };
    }
    console.log(JSON.stringify({ what, model, saw }));
  }
}
