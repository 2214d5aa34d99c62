// How the page writes numbers, durations and dates. A negative number gets a true minus sign, a zero gets no sign.

const fixed = (value, digits) => {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
};

export const plain = (value, digits = 2) => fixed(value, digits);
export const signed = (value, digits = 2) =>
  Number(value.toFixed(digits)) > 0 ? `+${fixed(value, digits)}` : fixed(value, digits);
export const difference = (points) =>
  `${plain(Math.abs(points))} points ${Number(points.toFixed(2)) === 0 ? "apart" : points > 0 ? "better" : "worse"}`;
export const percent = (fraction, digits = 1) => `${fixed(100 * fraction, digits)}%`;
export const count = (number) => Math.round(number).toLocaleString("en");
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const short = (number) =>
  number >= 1e6 ? `${(number / 1e6).toFixed(2)} M` : number >= 1e4 ? `${(number / 1e3).toFixed(1)} k` : count(number);
export const seconds = (value) =>
  value === null ? "–" : value < 90 ? `${value.toFixed(value < 9.95 ? 1 : 0)} s` : `${(value / 60).toFixed(1)} min`;
export const shape = (sides) => sides.join("×");
export const withArticle = (noun) => `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
export const when = (created) =>
  new Date(created).toLocaleString("en", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
