'use strict';

// What every chart is made of: the frame with its axes, the lines with their intervals, and the
// names at their ends.

const LABEL_GAP = 15;
const LABEL_CHARACTERS = 17;
const LABEL_SIZE = 12;

// The room that such names need at the right of a plot.
const labelRoom = (names) => 34 + (d3.max(names, (name) =>
  textWidth(shorten(name, LABEL_CHARACTERS), LABEL_SIZE)) || 0);

// A plot area in a picture: {area, width, height, strip}. `strip` is the room above it for marks.
function makeFrame(svg, left, top, width, height, strip) {
  const area = svg.append('g').attr('transform', `translate(${left},${top})`);
  return {svg, area, width, height, strip, targets: []};
}

// Draws grid, ticks and labels of the value axis from the marks of its scale.
function drawValueAxis(frame, scale, format) {
  const axis = frame.area.append('g').attr('class', 'axis');
  for (const {value, labelled} of scale.marks) {
    const group = axis.append('g').attr('transform', `translate(0,${scale(value)})`);
    group.append('line').attr('class', labelled ? 'grid' : 'grid minor').attr('x2', frame.width);
    if (labelled) {
      appendText(group, '', -9, 0, format(value)).attr('dy', '0.32em').attr('text-anchor', 'end');
    }
  }
  if (scale.hasZero) drawBreak(frame, `translate(0,${scale(0) - 13})`);
}

// Two short strokes where an axis jumps from zero to the logarithmic part.
function drawBreak(frame, transform) {
  frame.area.append('path').attr('class', 'axis-break').attr('transform', transform)
    .attr('d', 'M-5,1L5,-3M-5,5L5,1');
}

// Draws the ticks of the horizontal axis. Labels that would touch are left out, from the right: the
// last is wanted most.
function drawPlaceAxis(frame, ticks, scale, format) {
  const axis = frame.area.append('g').attr('class', 'axis')
    .attr('transform', `translate(0,${frame.height})`);
  axis.append('line').attr('class', 'base').attr('x2', frame.width);
  let free = Infinity;
  for (const tick of ticks.slice().sort((a, b) => scale(b) - scale(a))) {
    const x = scale(tick);
    axis.append('line').attr('class', 'tick').attr('x1', x).attr('x2', x).attr('y2', 5);
    const half = textWidth(format(tick), 12) / 2 + 3;
    if (x + half > free) continue;
    free = x - half;
    appendText(axis, '', x, 19, format(tick)).attr('text-anchor', 'middle');
  }
  if (scale.hasZero) {
    drawBreak(frame, `translate(${(scale(0) + scale.start) / 2},${frame.height}) rotate(90)`);
  }
}

// A line through the points that are there; each is {x, y, low, high} in pixels, or null.
function drawLine(group, points, dash) {
  group.append('path').attr('class', 'line').attr('stroke-dasharray', dash)
    .attr('d', d3.line().defined(Boolean).x((point) => point.x).y((point) => point.y)(points));
}

// A band along the line; where a point has no neighbour, a bar.
function drawIntervals(group, points) {
  const has = (point) => Boolean(point) && isNumber(point.low) && isNumber(point.high);
  if (points.some((point, index) => has(point) && has(points[index + 1]))) {
    group.append('path').attr('class', 'band').attr('d', d3.area().defined(has)
      .x((point) => point.x).y0((point) => point.low).y1((point) => point.high)(points));
  }
  points.forEach((point, index) => {
    if (!has(point) || has(points[index - 1]) || has(points[index + 1])) return;
    group.append('path').attr('class', 'bar')
      .attr('d', `M${point.x},${point.low}V${point.high}m-4,0h8M${point.x - 4},${point.low}h8`);
  });
}

// Names lines at their ends. `ends` is [{server, x, y, edge, path, ink}]: those at the right edge,
// or with `edge`, are named in the margin; those that end earlier beside their last point, where
// no line's `path` and no other name is.
function drawLabels(frame, ends) {
  const margin = (end) => end.edge || end.x > frame.width - 30;
  const atEdge = ends.filter(margin).map((end) => Object.assign({wanted: end.y, leads: true}, end));
  pushApart(atEdge, LABEL_GAP, 4, frame.height - 4).forEach((label) => drawLabel(frame, label,
    label.edge ? frame.width + 10 : Math.min(label.x + 26, frame.width + 18)));
  const taken = [];
  for (const end of ends.filter((each) => !margin(each))) {
    const box = freeBox(frame, end, ends, taken);
    taken.push(box);
    drawLabel(frame, Object.assign({}, end, {wanted: end.y, y: box.y}), box.x);
  }
}

// The first place around a line's end with nothing in it; right of it when there is none.
function freeBox(frame, end, ends, taken) {
  const width = textWidth(shorten(end.server, LABEL_CHARACTERS), LABEL_SIZE);
  const boxes = [[14, 0], [14, 16], [14, -16], [-width / 2, 20], [-width / 2, -20],
    [-width - 14, -16], [-width - 14, 16], [22, 30], [22, -30], [-width - 22, -30],
    [-width - 22, 30]]
    .map(([dx, dy]) => ({x: end.x + dx, y: end.y + dy, width}));
  const inside = (box, x, y) => x > box.x - 4 && x < box.x + width + 4 && Math.abs(y - box.y) < 9;
  const free = (box) => box.x > 0 && box.x + width < frame.width + 30
    && box.y > 6 && box.y < frame.height - 6
    && !taken.some((other) => Math.abs(other.y - box.y) < LABEL_GAP
      && other.x < box.x + width && box.x < other.x + other.width)
    && !ends.some(({path}) => alongPath(path || []).some(([x, y]) => inside(box, x, y)));
  return boxes.find(free) || boxes[0];
}

// Points every few pixels along a line.
function alongPath(path) {
  const found = [];
  path.slice(1).forEach(([x, y], index) => {
    const [x0, y0] = path[index];
    const count = Math.ceil(Math.hypot(x - x0, y - y0) / 5) || 1;
    d3.range(count + 1).forEach((i) => found.push([x0 + (x - x0) * i / count,
      y0 + (y - y0) * i / count]));
  });
  return found.length ? found : path;
}

function drawLabel(frame, label, x) {
  const group = frame.area.append('g').attr('class', 'label-group')
    .call(dressAs, label.server, label.ink);
  const before = x < label.x;
  if (label.leads || Math.hypot(label.y - label.wanted, x - label.x) > 26) {
    group.append('path').attr('class', 'leader').attr('d',
      `M${label.x + (before ? -9 : 9)},${label.wanted}L${before ? x : x - 4},${label.y}`);
  }
  const name = shorten(label.server, LABEL_CHARACTERS);
  appendText(group, label.ink ? 'label mark-name' : 'label', x, label.y, name)
    .attr('dy', '0.32em').append('title').text(label.server);
}
