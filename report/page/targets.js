'use strict';

// What the charts of a page have beside the drawing: their place, and finding the point under a
// pointer or the keyboard's focus.

const REACH = 44;

// On paper charts have the width of a page, whatever the window had: {on} says that it is so.
const paper = {on: false, width: 690, height: 220};

// The line and the symbol of a server, small, as they look in the charts.
function appendSwatch(selection, name) {
  const svg = new Mark('svg').attr('class', 'swatch').attr('aria-hidden', 'true')
    .attr('width', 26).attr('height', 12).call(dressAs, name);
  svg.append('line').attr('class', 'line').attr('x1', 0).attr('x2', 26).attr('y1', 6).attr('y2', 6)
    .attr('stroke-dasharray', dashOf(name));
  svg.append('path').attr('class', 'symbol').attr('d', symbolPath(name, 44))
    .attr('transform', 'translate(13,6)');
  selection.each(function () { this.append(toNode(svg)); });
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

// The width of a picture there: pictures are drawn in CSS pixels at the width they have, so that
// text has the same size on every screen.
const widthOf = (figure) => (paper.on ? paper.width
  : Math.max(260, figure.node().clientWidth || 640));

// The picture of one run's chart with its plot area, not yet in the page.
function appendFrame(figure, run, options) {
  const outer = widthOf(figure);
  const margin = {top: 34 + options.strip, bottom: 44, left: 58};
  const width = outer - margin.left - labelRoom(report.servers.map((server) => server.name));
  const height = paper.on ? paper.height : outer < 480 ? 290 : 350;
  const total = height + margin.top + margin.bottom;
  const svg = makePicture(`${options.kind}-${report.runs.indexOf(run)}`, outer, total,
    options.title, options.description).attr('class', options.className)
    .attr('data-run', run.label);
  appendText(svg, 'axis-title', 0, 14, options.yTitle);
  appendText(svg, 'axis-title', margin.left + width / 2, total - 6, options.xTitle)
    .attr('text-anchor', 'middle');
  return makeFrame(svg, margin.left, margin.top, width, height, options.strip);
}

// Puts a picture into the page and has its targets answer.
function showPicture(figure, frame) {
  figure.node().append(toNode(frame.svg));
  frame.targets.forEach((target) => watchTarget(target, target.mark.node));
  watchPointer(frame);
}

// Makes a mark a target: it can be focused, has a text of its own for those who don't see it, and
// `describe` gives what the tooltip says.
function addTarget(frame, mark, x, y, server, describe) {
  const content = describe();
  const label = [content.server, content.where, content.value].concat(content.details).join('. ');
  mark.attr('tabindex', frame.targets.length ? -1 : 0).attr('aria-label', label)
    .attr('role', 'img');
  frame.targets.push({mark, x, y, server, describe});
}

function watchTarget(target, node) {
  target.node = node;
  node.addEventListener('focus', () => {
    const box = node.getBoundingClientRect();
    enterTarget(target, box.right, box.bottom);
  });
  node.addEventListener('blur', leaveTargets);
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
  const node = frame.svg.node;
  const area = frame.area.node;
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
