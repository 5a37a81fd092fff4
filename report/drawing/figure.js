'use strict';

// A figure of `echomux reproduce`, from the JSON that it writes: what was published beside what was
// measured, each line with its name, its intervals, and where it could not be measured.

const REMARK_ROW = 30;
const PLOT = {left: 58, top: 44, bottom: 44, height: 330, margin: 20};

const medianPoint = ({x, median, low, high}) => ({x, y: median, low, high});

// The panels of a figure: {heading, unit, lines: [{name, points}], obstacles, wins}.
function panelsOf(figure) {
  const measured = (lines) => ({
    lines: lines.map((line) => ({name: line.name, points: line.measured.map(medianPoint),
      gaps: line.not_possible.map((place) => place.x)})),
    obstacles: obstacleRemarks(lines),
  });
  const panels = [];
  if (figure.lines.some((line) => line.published.length)) {
    panels.push({heading: 'As published', unit: figure.published_unit, obstacles: [],
      lines: figure.lines.map(({name, published}) => ({name, points: published, gaps: []})),
      wins: winRemarks(figure, figure.wins.published)});
  }
  panels.push(Object.assign({heading: 'Measured here', unit: figure.measured_unit,
    wins: winRemarks(figure, figure.wins.measured)}, measured(figure.lines)));
  if (figure.second) {
    panels.push(Object.assign({heading: `Measured here: ${figure.second.title}`,
      unit: figure.second.unit, wins: []}, measured(figure.second.lines)));
  }
  panels.forEach((panel) => {
    panel.lines = panel.lines.filter((line) => line.points.length);
  });
  return panels;
}

// Lines that lack the same places for the same reason share a remark.
function obstacleRemarks(lines) {
  const remarks = new Map();
  for (const line of lines) {
    for (const brief of new Set(line.not_possible.map((place) => place.brief))) {
      const at = line.not_possible.filter((place) => place.brief === brief).map(({x}) => x);
      const key = JSON.stringify([brief, at]);
      const remark = remarks.get(key) || {brief, at, names: [], mark: 'M-3.5,-3.5l7,7m0,-7l-7,7'};
      remarks.set(key, remark);
      remark.names.push(line.name);
    }
  }
  return Array.from(remarks.values(), (remark) => Object.assign(remark, {
    text: `${remark.names.join(', ')}: ${remark.brief}`}));
}

// Where looking at every descriptor does better than epoll.
function winRemarks(figure, wins) {
  const verb = figure.more_is_better ? 'does more than' : 'costs less than';
  return figure.lines.map(({name}) => {
    const own = wins.filter((win) => win.scanning === name);
    const ratios = own.map((win) => win.ratio.median);
    const ends = unique([d3.min(ratios), d3.max(ratios)].map(formatNumber));
    return {at: own.map((win) => win.x), names: [name], mark: 'M0,-4L4,3H-4Z',
      text: own.length ? `${name} ${verb} ${own[0].epoll}: ${ends.join(' to ')} times` : ''};
  }).filter((remark) => remark.at.length);
}



const placesOf = (figure) => unique([].concat(...figure.lines.map((line) => [
  ...line.published.map(({x}) => x), ...line.measured.map(({x}) => x),
  ...line.not_possible.map(({x}) => x)]))).sort(d3.ascending);

// Gives each remark the first row, from the edge on, that has room for its text and its marks.
function placeRemarks(remarks, scale, width) {
  const rows = [];
  for (const remark of remarks) {
    const marks = remark.at.map(scale);
    const half = textWidth(remark.text, 11.5) / 2;
    const middle = (d3.min(marks) + d3.max(marks)) / 2;
    remark.x = Math.max(half + 4, Math.min(middle, width + 20 - half));
    const own = [Math.min(d3.min(marks) - 6, remark.x - half) - 6,
      Math.max(d3.max(marks) + 6, remark.x + half) + 6];
    const free = (row) => row.every(([from, to]) => own[0] > to || from > own[1]);
    remark.row = rows.findIndex(free);
    if (remark.row < 0) remark.row = rows.push([]) - 1;
    rows[remark.row].push(own);
  }
  return rows.length * REMARK_ROW;
}

function drawRemarks(frame, remarks, scale, top) {
  for (const remark of remarks) {
    const y = top + remark.row * REMARK_ROW;
    const [name] = remark.names;
    const group = frame.area.append('g').attr('class', 'remark')
      .call(dressAs, name, remark.names.length > 1 ? 'quiet' : null);
    appendText(group, 'label mark-name coloured', remark.x, y + 9, remark.text)
      .attr('text-anchor', 'middle');
    remark.at.forEach((x) => group.append('path').attr('class', 'line').attr('d', remark.mark)
      .attr('transform', `translate(${scale(x)},${y + 20})`));
  }
}

// The values that an axis must reach; those that a logarithmic one has no place for are left out.
const valuesOf = (panel) => [].concat(...panel.lines.map((line) => [].concat(
  ...line.points.map(({y, low, high}) => [y, low, high])))).filter((y) => isNumber(y) && y > 0);

function decadesOf(panel) {
  const values = valuesOf(panel);
  return values.length ? Math.log10(d3.max(values) / d3.min(values)) : 0;
}

// All panels span the same number of decades, so that equal slopes look equal.
function panelScale(panel, decades, bottom, top) {
  const values = valuesOf(panel);
  const [low, high] = values.length ? d3.extent(values) : [1, 10];
  const middle = (Math.log10(low) + Math.log10(high)) / 2;
  return valueScale('log', [middle - decades / 2, middle + decades / 2].map((log) => 10 ** log),
    bottom, top);
}

// What `drawFigure` makes of {record, width, only, bare}: the record is a document of `echomux
// reproduce` with one figure. `only` is the one line that keeps its colour; `bare` leaves out the
// title and the small print, which the page has as text.
function drawFigure({record, width = 880, only = null, bare = false}) {
  const figure = record.figures[0];
  if (only && !figure.lines.some((line) => line.name === only)) {
    throw new Error(`the figure has no line '${only}'; it has ${
      joinWords(figure.lines.map((line) => line.name))}`);
  }
  const all = panelsOf(figure);
  const panels = only ? all.filter((panel) => panel.heading === 'Measured here') : all;
  const shown = (remark) => !only || remark.names.includes(only);
  panels.forEach((panel) => {
    panel.obstacles = panel.obstacles.filter(shown);
    panel.wins = panel.wins.filter(shown);
  });
  const outer = panels.length === 1 ? Math.min(width, 660) : width;
  const columns = outer < 640 ? 1 : panels.length;
  const share = (outer - 2 * PLOT.margin * (bare ? 0 : 1) + 12) / columns - 12;
  const inner = share - PLOT.left - labelRoom(figure.lines.map((line) => line.name));
  const x = placeScale(placesOf(figure), inner);
  const decades = Math.max(1, d3.max(panels, decadesOf));
  const strip = d3.max(panels, (panel) => placeRemarks(panel.obstacles, x, inner));
  const below = d3.max(panels, (panel) => placeRemarks(panel.wins, x, inner));
  const size = {inner, strip, below, decades, share,
    total: PLOT.top + strip + PLOT.height + below + PLOT.bottom};
  const head = bare ? [] : headOf(figure, outer, only);
  const print = bare ? [] : smallPrintOf(record, outer - 2 * PLOT.margin);
  const top = bare ? 0 : 14 + d3.sum(head, (line) => line.height);
  const rows = Math.ceil(panels.length / columns);
  const bottom = top + rows * (size.total + 18);
  const svg = makePicture(`figure-${figure.figure.replace(/[^\w-]/g, '_')}${only ? '-only' : ''}`,
    outer, bottom + (print.length ? print.length * 15 + 12 : 0), figure.title,
    inWords(figure, panels));
  svg.attr('class', 'chart figure').attr('data-figure', figure.figure);
  let y = 14;
  for (const line of head) {
    y += line.height;
    appendText(svg, line.look, PLOT.margin, y - 4, line.text);
  }
  panels.forEach((panel, index) => drawPanel(svg, figure, panel, x, size, only,
    (bare ? 0 : PLOT.margin) + (index % columns) * (share + 12),
    top + Math.floor(index / columns) * (size.total + 18)));
  print.forEach((text, row) => appendText(svg, 'print', PLOT.margin, bottom + 8 + row * 15, text));
  return svg;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function headOf(figure, width, only) {
  const room = width - 2 * PLOT.margin;
  const line = (look, height) => (text) => ({text, look, height});
  const verdict = only ? `${only} in colour, the other lines in grey`
    : figure.verdict || 'measured here; nothing was published as numbers';
  return [...wrapWords(capital(figure.title), 18, room).map(line('title', 22)),
    ...wrapWords(verdict, 13, room).map(line('verdict', 19)), line('words', 10)('')];
}

// How, where and with what a figure was made, in sentences.
function printSentences({figures: [figure], machine, build, started}) {
  const rounds = d3.max([].concat(...figure.lines.map((line) => line.measured.map(
    (point) => point.rounds.length)))) || 0;
  return [
    ...(figure.fit ? figure.fit.sentences : []),
    `Points: medians of ${rounds} rounds${rounds < 6 ? '' : '; bands: their 95 % intervals'}.${
      figure.lines.some((line) => line.published.length)
        ? ' Both panels span the same number of decades, so slopes can be compared by eye.'
        : ''}`,
    `Source: ${figure.source}. Method: ${figure.method}.`,
    ...(figure.differs ? [`Here: ${figure.differs}.`] : []),
    `${machine.cpu_model}, ${machine.cpus_usable} CPUs${
      machine.hypervisor ? ', virtual machine' : ''}; `
      + `${machine.kernel}; echomux ${build.version} (${build.git_commit}), ${started}`,
  ];
}

const smallPrintOf = (record, width) => [].concat(...printSentences(record)
  .map((sentence) => wrapWords(sentence, 10.5, width)));

// The text alternative: every value, as somebody would read it out.
function inWords(figure, panels) {
  const axis = figure.axis_label || figure.axis;
  return panels.map((panel) => `${panel.heading}, ${panel.unit}, by ${axis}. ${[
    ...panel.lines.map(({name, points}) => `${name}: ${points.map((point) =>
      `${formatNumber(point.y)} at ${formatCount(point.x)}`).join(', ')}`),
    ...panel.obstacles.map(({text, at}) => `${text} at ${joinWords(at.map(formatCount))}`),
    ...panel.wins.map(({text, at}) => `${text} at ${joinWords(at.map(formatCount))}`),
  ].join('; ')}.`).join(' ');
}

function drawPanel(svg, figure, panel, x, size, only, left, top) {
  wrapWords(panel.heading, 14.5, size.share).slice(0, 1).forEach((text) =>
    appendText(svg, 'heading', left, top + 14, text));
  appendText(svg, '', left, top + 32, panel.unit);
  const frame = makeFrame(svg, left + PLOT.left, top + PLOT.top + size.strip, size.inner,
    PLOT.height + size.below, size.strip);
  appendText(frame.area, 'axis-title', size.inner / 2, frame.height + 38,
    figure.axis_label || figure.axis).attr('text-anchor', 'middle');
  const y = panelScale(panel, size.decades, PLOT.height, 0);
  const places = placesOf(figure);
  places.forEach((place) => frame.area.append('line').attr('class', 'grid minor')
    .attr('x1', x(place)).attr('x2', x(place)).attr('y1', -size.strip).attr('y2', frame.height));
  y.marks = y.marks.filter((mark) => mark.labelled);
  drawValueAxis(frame, y, (value) => formatTick('', value));
  drawPlaceAxis(frame, places, x, formatCount);
  // The line in colour comes last, so that nothing lies over it.
  const order = panel.lines.slice().sort((a, b) => (a.name === only) - (b.name === only));
  const ends = order.map((line) => drawFigureLine(frame, line, x, y, only));
  drawRemarks(frame, panel.obstacles, x, -size.strip);
  drawRemarks(frame, panel.wins, x, PLOT.height + 4);
  drawLabels(frame, ends);
  if (!ends.length) {
    appendText(frame.area, 'empty', size.inner / 2, frame.height / 2, 'Nothing could be measured.')
      .attr('text-anchor', 'middle');
  }
}

// One line with its band and points, in stretches: not across a place where it is missing.
function drawFigureLine(frame, line, x, y, only) {
  const ink = only && line.name !== only ? 'faded' : null;
  const group = frame.area.append('g').attr('class', 'server').call(dressAs, line.name, ink);
  const place = (value) => (isNumber(value) ? y(value) : null);
  const points = line.points.map((point) => ({at: point.x, x: x(point.x), y: y(point.y),
    low: place(point.low), high: place(point.high)}));
  const stretches = [...points, ...line.gaps.map((at) => ({at, gap: true}))]
    .sort((a, b) => a.at - b.at).map((point) => (point.gap ? null : point));
  if (!ink) drawIntervals(group, stretches);
  drawLine(group, stretches, dashOf(line.name));
  points.forEach((point) => group.append('path').attr('class', 'symbol')
    .attr('d', symbolPath(line.name, ink ? 24 : 48))
    .attr('transform', `translate(${point.x},${point.y})`));
  const last = points[points.length - 1];
  return {server: line.name, x: last.x, y: last.y, ink,
    path: points.map((point) => [point.x, point.y])};
}
