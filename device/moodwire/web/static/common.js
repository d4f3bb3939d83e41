// What the pages share: names, colours and small drawings.
export const root = document.body.dataset.root;
export const csrf = document.body.dataset.csrf;

const KNOWN = ["angry", "disgust", "fear", "happy", "neutral", "sad", "calm", "surprise",
  "boredom", "uncertain", "quiet"];

export const moodClass = (mood) => `mood-${KNOWN.includes(mood) ? mood : "other"}`;

export function colour(mood) {
  const name = KNOWN.includes(mood) ? mood : "other";
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export const percent = (share) => (share == null ? "–" : `${Math.round(share * 100)} %`);

export function legend(list, moods) {
  list.replaceChildren(...moods.map((mood) => {
    const item = document.createElement("li");
    const swatch = document.createElement("span");
    swatch.className = `swatch ${moodClass(mood)}`;
    item.append(swatch, mood);
    return item;
  }));
}

// [{start, end, mood, sure}] with start and end as shares of the width; the paler, the less sure
export function drawSpans(canvas, spans) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const span of spans) {
    context.fillStyle = colour(span.mood);
    context.globalAlpha = 0.15 + 0.85 * (span.sure ?? 1);
    const left = span.start * canvas.width;
    context.fillRect(left, 0, Math.max(1, span.end * canvas.width - left), canvas.height);
  }
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// a moment of something that lasts so long: where whole seconds would repeat, tenths
export const moment = (seconds, lasting) => (lasting < 20 ? `${seconds.toFixed(1)} s` : clock(seconds));
