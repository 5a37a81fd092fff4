'use strict';

// What metric charts and spectra share: the frame with its axes, the style of a server, labels at
// the ends of lines, and finding the point under a pointer or the keyboard's focus.

const SYMBOLS = {
  circle: d3.symbolCircle,
  square: d3.symbolSquare,
  triangle: d3.symbolTriangle,
  diamond: d3.symbolDiamond,
  cross: d3.symbolCross,
  star: d3.symbolStar,
  wye: d3.symbolWye,
};
const LABEL_GAP = 15;
const LABEL_CHARACTERS = 11;
const REACH = 44;

// On paper charts have the width of a page, whatever the window had: {on} says that it is so.
const paper = {on: false, width: 690, height: 220};

const isColour = (text) => /^#[0-9a-f]{3,8}$/i.test(text || '');

// Gives elements the name and the colours of a server. Both colours are set as properties and CSS
// picks one, so light, dark and paper need no drawing again.
function dressAs(selection, name) {
  const style = styleOf.get(name) || {};
  const colour = isColour(style.colour) ? style.colour : '#555555';
  return selection.attr('data-server', name)
    .style('--light', colour)
    .style('--dark', isColour(style.colour_dark) ? style.colour_dark : '#aaaaaa');
}

const dashOf = (name) => {
  const dash = (styleOf.get(name) || {}).dash || '';
  return /^[\d\s.,]+$/.test(dash) ? dash : null;
};

function symbolPath(name, size) {
  const type = SYMBOLS[(styleOf.get(name) || {}).symbol] || d3.symbolCircle;
  return d3.symbol().type(type).size(size)();
}

// The line and the symbol of a server, small, as they look in the charts.
function appendSwatch(selection, name) {
  const svg = selection.append('svg').attr('class', 'swatch').attr('aria-hidden', 'true')
    .attr('width', 26).attr('height', 12).call(dressAs, name);
  svg.append('line').attr('class', 'line').attr('x1', 0).attr('x2', 26).attr('y1', 6).attr('y2', 6)
    .attr('stroke-dasharray', dashOf(name));
  svg.append('path').attr('class', 'symbol').attr('d', symbolPath(name, 44))
    .attr('transform', 'translate(13,6)');
}

// Makes a place for the chart of each run. All are made before the first is drawn, because how
// wide one is depends on how many stand beside it.
function appendFigures(container) {
  container.selectAll('*').remove();
  return report.runs.map((run) => {
    const figure = container.append('figure');
    if (report.runs.length > 1) {
      figure.append('figcaption').attr('class', 'name').attr('title', run.label).text(run.label);
    }
    return figure;
  });
}

// The room that the labels at the right need.
function labelRoom() {
  const lengths = report.servers.map((server) => Array.from(server.name).length);
  return 30 + 6.6 * Math.min(LABEL_CHARACTERS, d3.max(lengths) || 0);
}

// Appends the frame of one run's chart and gives back its plot area: {svg, area, width, height}.
// Charts are drawn in CSS pixels at the width they have, so that text has the same size on every
// screen.
function appendFrame(figure, run, options) {
  const outer = paper.on ? paper.width : Math.max(260, figure.node().clientWidth || 640);
  const margin = {top: 34 + options.strip, right: labelRoom(), bottom: 44, left: 58};
  const width = outer - margin.left - margin.right;
  const height = paper.on ? paper.height : outer < 480 ? 290 : 350;
  const total = height + margin.top + margin.bottom;
  const id = `${options.kind}-${report.runs.indexOf(run)}`;
  const svg = figure.append('svg').attr('class', options.className)
    .attr('viewBox', `0 0 ${outer} ${total}`).attr('width', outer).attr('height', total)
    .attr('role', 'img').attr('aria-labelledby', `${id}-title ${id}-description`)
    .attr('data-run', run.label);
  svg.append('title').attr('id', `${id}-title`).text(options.title);
  svg.append('desc').attr('id', `${id}-description`).text(options.description);
  svg.append('text').attr('class', 'axis-title').attr('x', 0).attr('y', 14).text(options.yTitle);
  svg.append('text').attr('class', 'axis-title').attr('text-anchor', 'middle')
    .attr('x', margin.left + width / 2).attr('y', total - 6).text(options.xTitle);
  const area = svg.append('g').attr('transform', `translate(${margin.left},${margin.top})`);
  return {svg, area, width, height, margin, strip: options.strip, targets: []};
}

// Draws grid, ticks and labels of the value axis from the marks of its scale.
function drawValueAxis(frame, scale, format) {
  const marks = frame.area.append('g').attr('class', 'axis').selectAll('g').data(scale.marks)
    .join('g').attr('transform', (mark) => `translate(0,${scale(mark.value)})`);
  marks.append('line').attr('class', (mark) => (mark.labelled ? 'grid' : 'grid minor'))
    .attr('x2', frame.width);
  marks.filter((mark) => mark.labelled).append('text').attr('x', -9).attr('dy', '0.32em')
    .attr('text-anchor', 'end').text((mark) => format(mark.value));
  if (scale.hasZero) drawBreak(frame, `translate(0,${scale(0) - 13})`);
}

// Two short strokes where an axis jumps from zero to the logarithmic part.
function drawBreak(frame, transform) {
  frame.area.append('path').attr('class', 'axis-break').attr('transform', transform)
    .attr('d', 'M-5,1L5,-3M-5,5L5,1');
}

// Draws the ticks of the horizontal axis; labels that would touch the one before are left out.
function drawPlaceAxis(frame, ticks, scale, format) {
  const axis = frame.area.append('g').attr('class', 'axis')
    .attr('transform', `translate(0,${frame.height})`);
  axis.append('line').attr('class', 'base').attr('x2', frame.width);
  let free = -Infinity;
  for (const tick of ticks) {
    const x = scale(tick);
    axis.append('line').attr('class', 'tick').attr('x1', x).attr('x2', x).attr('y2', 5);
    const text = format(tick);
    const half = text.length * 3.2 + 2;
    if (x - half < free) continue;
    free = x + half;
    axis.append('text').attr('x', x).attr('y', 19).attr('text-anchor', 'middle').text(text);
  }
}

// Labels lines at their ends. `ends` is [{server, x, y, edge}]; lines that end at the right edge,
// and those that ask for it, are labelled in the margin, those that end earlier beside their last
// point.
function drawLabels(frame, ends) {
  const column = (end) => (end.edge ? 'edge' : Math.round(end.x));
  const groups = d3.nest().key(column).entries(ends);
  for (const group of groups) {
    const labels = group.values.map((end) => Object.assign({wanted: end.y}, end));
    pushApart(labels, LABEL_GAP, 4, frame.height - 4).forEach((label) => drawLabel(frame, label));
  }
}

function drawLabel(frame, label) {
  const start = label.x + 9;
  const end = label.edge ? frame.width + 6
    : Math.max(start + 9, Math.min(label.x + 22, frame.width + 14));
  const group = frame.area.append('g').attr('class', 'label').call(dressAs, label.server);
  group.append('path').attr('class', 'leader')
    .attr('d', `M${start},${label.wanted}L${end},${label.y}`);
  group.append('text').attr('x', end + 4).attr('y', label.y).attr('dy', '0.32em')
    .text(shorten(label.server, LABEL_CHARACTERS)).append('title').text(label.server);
}

// Makes an element a target: it can be focused, has a text of its own for those who don't see it,
// and `describe` gives what the tooltip says.
function addTarget(frame, node, x, y, server, describe) {
  const content = describe();
  const label = [content.server, content.where, content.value].concat(content.details).join('. ');
  const target = {node, x, y, server, describe};
  d3.select(node).attr('tabindex', frame.targets.length ? -1 : 0).attr('aria-label', label)
    .attr('role', 'img');
  node.addEventListener('focus', () => {
    const box = node.getBoundingClientRect();
    enterTarget(target, box.right, box.bottom);
  });
  node.addEventListener('blur', leaveTargets);
  frame.targets.push(target);
}

function enterTarget(target, clientX, clientY) {
  showTooltip(target.describe(), clientX, clientY);
  d3.selectAll('svg [data-server]')
    .classed('dimmed', function () { return this.dataset.server !== target.server; });
}

function leaveTargets() {
  hideTooltip();
  d3.selectAll('.dimmed').classed('dimmed', false);
}

// Finds the nearest target to a pointer anywhere in the chart: symbols are too small for fingers.
function watchPointer(frame) {
  const node = frame.svg.node();
  const area = frame.area.node();
  const onPointer = (event) => {
    const inverse = area.getScreenCTM();
    if (!inverse) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse.inverse());
    const distance = (target) => Math.hypot(target.x - point.x, target.y - point.y);
    const nearest = d3.scan(frame.targets, (a, b) => distance(a) - distance(b));
    const target = frame.targets[nearest];
    if (target && distance(target) <= REACH) enterTarget(target, event.clientX, event.clientY);
    else leaveTargets();
  };
  node.addEventListener('pointermove', onPointer);
  node.addEventListener('pointerdown', onPointer);
  node.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse') leaveTargets();
  });
  node.addEventListener('keydown', (event) => moveFocus(frame, event));
}

// One tab stop for each chart; inside it the arrow keys go from point to point: left and right
// along a line, up and down to the next value at the same place.
function moveFocus(frame, event) {
  const here = frame.targets.find((target) => target.node === document.activeElement);
  const horizontal = event.key === 'ArrowLeft' || event.key === 'ArrowRight';
  const sign = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : -1;
  if (!here || !/^Arrow(Left|Right|Up|Down)$/.test(event.key)) return;
  const along = frame.targets.filter((target) => target !== here
    && (horizontal ? target.server === here.server && (target.x - here.x) * sign > 0
      : Math.abs(target.x - here.x) < 1));
  const key = (target) => (horizontal ? Math.abs(target.x - here.x) : target.y);
  const column = along.concat(here).sort((a, b) => key(a) - key(b));
  const next = horizontal ? column[1] : column[column.indexOf(here) + sign];
  event.preventDefault();
  if (!next) return;
  frame.targets.forEach((target) => target.node.setAttribute('tabindex', -1));
  next.node.setAttribute('tabindex', 0);
  next.node.focus();
}
