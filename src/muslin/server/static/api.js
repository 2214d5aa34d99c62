// Requests to the server. Errors are problem documents (RFC 9457), whose detail is shown as it is.

class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function answer(response) {
  const content = response.headers.get("content-type")?.includes("json") ? await response.json() : null;
  if (!response.ok)
    throw new Refused(response.status, content?.detail ?? `The server answered with status ${response.status}.`);
  return content;
}

async function reach(path, options) {
  try {
    return await answer(await fetch(path, options));
  } catch (error) {
    if (error instanceof Refused || error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Is it still running?");
  }
}

export const get = (path) => reach(path);
export const post = (path, body) =>
  reach(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
export const send = (path, fields) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return reach(path, { method: "POST", body: form });
};
export const place = (run, ...rest) =>
  ["/api/runs", run, ...rest].map((part, i) => (i ? encodeURIComponent(part) : part)).join("/");

// Decodes an array that was sent as bytes: value = low + (high − low) · byte / 255.
export function decode({ shape, low, high, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const step = (high - low) / 255;
  return { shape, low, high, bytes, at: (index) => low + step * bytes[index] };
}
