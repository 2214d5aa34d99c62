// Numbers as colors: amounts in cividis (Nuñez, Anderton & Renslow, PLOS ONE 2018), signed values from blue to vermillion.

const CIVIDIS = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
const DIVERGING = ["#003f66", "#0072b2", "#8fc1e0", "#f7f5f0", "#f3b284", "#d55e00", "#7d3500"];

function ramp(stops) {
  const colors = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (colors.length - 1),
      low = Math.min(Math.floor(at), colors.length - 2),
      part = at - low;
    for (let c = 0; c < 3; c++) table[3 * i + c] = colors[low][c] * (1 - part) + colors[low + 1][c] * part;
  }
  return table;
}

const FAINT = 0.6; // an exponent below one keeps weak values visible beside the strongest
const amounts = ramp(CIVIDIS),
  signs = ramp(DIVERGING);

// Draws an image of bytes (height, width, channel), one canvas pixel for each of its pixels.
export function picture(canvas, { shape: [height, width, channels], bytes }) {
  const image = begin(canvas, width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Draws one channel of an array (channel, height, width).
export function map(canvas, values, channel, { isSigned = false } = {}) {
  const [height, width] = values.shape.length === 3 ? values.shape.slice(1) : [1, 1];
  const image = begin(canvas, width, height);
  const color = coloring(values, isSigned);
  for (let i = 0; i < width * height; i++) image.data.set(color(channel * width * height + i), 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Draws all channels of a layer, `columns` in a row, `gap` pixels apart.
export function sheet(canvas, values, columns, gap) {
  const [channels, height, width] = values.shape.length === 3 ? values.shape : [values.shape[0], 1, 1];
  const rows = Math.ceil(channels / columns),
    across = columns * (width + gap) - gap;
  const image = begin(canvas, across, rows * (height + gap) - gap);
  const color = coloring(values, false);
  for (let k = 0; k < channels; k++) {
    const left = (k % columns) * (width + gap),
      top = Math.floor(k / columns) * (height + gap);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        image.data.set(color((k * height + y) * width + x), 4 * ((top + y) * across + left + x));
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Draws evidence over an image; its opacity is proportional to its amount.
export function overlay(canvas, values, strength = 0.85) {
  const [height, width] = values.shape;
  const image = begin(canvas, width, height);
  const most = Math.max(Math.abs(values.low), Math.abs(values.high)) || 1;
  for (let i = 0; i < width * height; i++) {
    const share = values.at(i) / most;
    const at = share > 0 ? 213 : 42;
    image.data.set([signs[3 * at], signs[3 * at + 1], signs[3 * at + 2], 255 * strength * Math.abs(share)], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function coloring(values, isSigned) {
  const both = isSigned || values.low < 0;
  const most = Math.max(Math.abs(values.low), Math.abs(values.high)) || 1;
  const table = both ? signs : amounts;
  return (index) => {
    const value = values.at(index) / most;
    const at = Math.round(255 * (both ? (value + 1) / 2 : value ** FAINT));
    return [table[3 * at], table[3 * at + 1], table[3 * at + 2], 255];
  };
}

function begin(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas.getContext("2d").createImageData(width, height);
}
