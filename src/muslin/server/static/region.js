// The region of the image that one unit of a layer sees: its receptive field, cut at the image's edges.

// Returns [top, left, bottom, right] in pixels for the unit at a row and column.
export function regionOf(layer, row, column, [height, width]) {
  const { start, size, stride } = layer.region;
  if (layer.output_shape.length < 3) return [0, 0, height, width]; // a dense layer sees the whole image
  const top = start[0] + row * stride[0],
    left = start[1] + column * stride[1];
  return [Math.max(top, 0), Math.max(left, 0), Math.min(top + size[0], height), Math.min(left + size[1], width)];
}
