// How does the page ask the server? By /api, as any program may.

async function answered(response) {
  if (response.status === 204) return null;
  const told = await response.json().catch(() => ({ detail: `the server answered ${response.status}` }));
  if (!response.ok) {
    const error = new Error(begun(`${told.detail}.`));
    error.status = response.status;
    error.retry = Number(response.headers.get("retry-after")) || 0;
    throw error;
  }
  return told;
}

// With a capital letter, but for the name of a file.
const begun = (sentence) => (/^\S+\.\w/.test(sentence) ? sentence : sentence[0].toUpperCase() + sentence.slice(1));
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

/** Ask; where the server says that it is busy, ask again a few times, and only then give up. */
async function asked(path, options = {}, tries = 5) {
  for (let left = tries; ; left -= 1) {
    let response;
    try {
      response = await fetch(`/api/${path}`, options);
    } catch {
      throw new Error("The server does not answer: is blurspace web still running?");
    }
    if (response.status !== 503 || left <= 0) return answered(response);
    await pause(Math.min(10, Number(response.headers.get("retry-after")) || 2));
  }
}

export const get = (path) => asked(path);
export const remove = (path) => asked(path, { method: "DELETE" });
export const upload = (path, file) => asked(path, { method: "POST", body: file });
export const post = (path, fields = {}) =>
  asked(path, { method: "POST", body: JSON.stringify(fields), headers: { "content-type": "application/json" } });

/** Follow a job to its end; `told` gets each change. Gives its result; null where it was cancelled. */
export function follow(job, told) {
  return new Promise((done, failed) => {
    const events = new EventSource(`/api/jobs/${job.id}/events`);
    let lost = 0;
    events.onmessage = (event) => {
      lost = 0;
      const state = JSON.parse(event.data);
      told(state);
      if (!["done", "failed", "cancelled"].includes(state.state)) return;
      events.close();
      if (state.state === "failed") failed(new Error(begun(`${state.error}.`)));
      else done(state.result);
    };
    events.onerror = () => {
      lost += 1; // the browser connects again by itself
      if (lost < 5) return;
      events.close();
      failed(new Error("The server does not answer: is blurspace web still running?"));
    };
  });
}

/** How far a job is, in words. */
export function inWords(state) {
  if (state.state === "waiting") return state.before ? `Waiting: ${state.before} before it` : "Waiting";
  const stage = begun(state.stage === "starting" ? "looking at the photo" : state.stage);
  const left = state.seconds_left;
  if (left == null) return stage;
  if (left <= 1.5) return `${stage}, nearly done`;
  return `${stage}, about ${left < 90 ? `${Math.round(left)} s` : `${Math.round(left / 60)} min`} left`;
}
