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

/** Have something deleted; what the server does not know (any more) is. */
export const remove = (path) => asked(path, { method: "DELETE" }).catch((error) => {
  if (error.status !== 404) throw error;
  return null;
});

let about = null; // what is being asked
const asking = () => (about ??= get("about").finally(() => { about = null; }));
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Send a file. The server is asked first what it takes: so uploads at once get one cookie, not each its own. */
export async function upload(path, file) {
  const most = (await asking()).file_bytes;
  if (file.size > most) {
    throw new Error(`The file has ${megabytes(file.size)}, more than the limit of ${megabytes(most)}: give a smaller one.`);
  }
  const body = await file.arrayBuffer().catch(() => null);
  if (!body) throw new Error("The file cannot be read: choose it again."); // it is gone, or a folder
  return asked(path, { method: "POST", body });
}

export const post = (path, fields = {}) =>
  asked(path, { method: "POST", body: JSON.stringify(fields), headers: { "content-type": "application/json" } });

const ENDED = ["done", "failed", "cancelled"];
const LOST = 5; // questions in a row without an answer, before the server is given up
const woken = new Map(); // jobs that wait, and how to look at them at once

/** Stop a job. */
export async function cancel(job) {
  const state = await remove(`jobs/${job.id}`).catch(() => null);
  woken.get(job.id)?.(state);
}

/** Ask no more for jobs that wait: of one photo, or all. */
export function letGo(job = null) {
  for (const [id, wake] of woken) if (!job || id === job.id) wake({ state: "cancelled" });
}

/** Follow a job to its end; `told` gets each change. Gives its result; null where it was cancelled.
 *
 * Browsers allow a server six connections: only who is at work holds one, who waits asks now and then. */
export async function follow(job, told) {
  for (let lost = 0; ;) {
    let state;
    try {
      state = await get(`jobs/${job.id}`);
      lost = 0;
    } catch (error) {
      lost += 1;
      if (error.status === 404) throw gone("The server was started again, or has forgotten this photo.");
      if (error.status || lost >= LOST) throw error.status ? error : gone(error.message);
    }
    if (state?.state === "working") state = (await streamed(job, told)) ?? state;
    if (state) told(state);
    if (state?.state === "failed") throw new Error(begun(`${state.error}.`));
    if (ENDED.includes(state?.state)) return state.result;
    const wait = state?.state === "waiting" ? Math.min(5, 0.5 + 0.25 * state.before) : 1;
    const stopped = await Promise.race([pause(wait), new Promise((wake) => woken.set(job.id, wake))]);
    woken.delete(job.id);
    if (stopped?.state === "cancelled") return null;
  }
}

/** What a job tells while it is at work: its last state, or nothing where the connection broke. */
function streamed(job, told) {
  return new Promise((done) => {
    const events = new EventSource(`/api/jobs/${job.id}/events`);
    const end = (state) => { events.close(); done(state); };
    events.onmessage = (event) => {
      const state = JSON.parse(event.data);
      if (ENDED.includes(state.state)) end(state);
      else told(state);
    };
    events.onerror = () => end(null); // `follow` asks what became of it
  });
}

/** An error after which only a new beginning helps. */
function gone(sentence) {
  const error = new Error(sentence);
  error.gone = true;
  return error;
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
