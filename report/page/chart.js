'use strict';

// The charts of one metric over the number of idle connections (or over the rate): one for each
// run, side by side, all with the same scales.

const MISSING_LETTERS = {starved: 'S', over_limit: 'L', not_possible: 'N', failed: 'F', none: '–'};
const MISSING_WORDS = Object.assign({none: 'not run'}, OUTCOME_WORDS);
const MARK_ROW = 19;

// Times spread over decades, and so do counts here; what fits into one decade is better linear.
function usesLog(metric, values) {
  if (state.axis) return state.axis === 'log';
  if (isShare(metric)) return false;
  if (/µs|\b[mn]?s\b|second/.test(unitOf(metric)) || /_us(_|$)/.test(metric)) return true;
  const positive = values.filter((value) => value > 0);
  return positive.length > 1 && d3.max(positive) / d3.min(positive) > 30;
}

// Everything the charts of all runs share.
function commonChart() {
  const values = [];
  let strip = 0;
  for (const run of report.runs) {
    for (const place of places) {
      const missing = missingMarks(run, place).length;
      for (const server of shownServers()) {
        const cell = cellAtPlace(run, server.name, place);
        const figure = figureOf(cell, state.metric);
        if (figure) values.push(figure.median, figure.low, figure.high);
      }
      strip = Math.max(strip, missing * MARK_ROW + (missing ? 4 : 0));
    }
  }
  const numbers = values.filter(isNumber);
  return {values: numbers, kind: usesLog(state.metric, numbers) ? 'log' : 'linear', strip};
}

// Why a server has no figure at a place: an outcome, 'none' for a planned cell that wasn't run,
// or null when it was measured or never planned.
function missingAt(run, server, place) {
  const cell = cellAtPlace(run, server, place);
  if (cell) return cell.outcome === 'measured' ? null : cell.outcome;
  const planned = (run.servers || []).includes(server)
    && ((axisIsRate ? run.rates : run.idle_connections) || []).includes(place)
    && ((axisIsRate ? run.idle_connections : run.rates) || [])
      .includes(axisIsRate ? state.idle : state.rate);
  return planned ? 'none' : null;
}

function drawCharts() {
  const container = d3.select('#charts .charts');
  const common = commonChart();
  const figures = appendFigures(container);
  report.runs.forEach((run, index) => drawChart(figures[index], run, common));
  drawChartKey(common);
}

function drawChart(figure, run, common) {
  const title = titleOf(state.metric);
  const unit = unitOf(state.metric);
  const beside = axisIsRate ? formatIdle(state.idle) : formatRate(state.rate);
  const frame = appendFrame(figure, run, {
    kind: 'chart', className: 'chart', strip: common.strip,
    title: `${title} of each server in ${run.label}`,
    description: `${title}, ${unit}, against ${axisTitle()}; ${beside}. The ledger has the same `
      + 'figures as a table. Arrow keys move from point to point.',
    yTitle: unit ? `${title}, ${unit}` : title,
    xTitle: axisTitle(),
  });
  frame.svg.attr('data-metric', state.metric);
  frame.x = placeScale(places, frame.width);
  frame.y = valueScale(common.kind, common.values, frame.height, 0);
  drawValueAxis(frame, frame.y, (value) => formatTick(state.metric, value));
  drawPlaceAxis(frame, places, frame.x, placeLabel);
  const ends = shownServers().map((server) => drawServer(frame, run, server.name)).filter(Boolean);
  drawLabels(frame, ends);
  places.forEach((place) => drawMissing(frame, run, place));
  if (!ends.length) drawEmpty(frame, 'No figure of this kind in this run.');
  showPicture(figure, frame);
  noteUnmeasured(figure, run);
}

const axisTitle = () => (axisIsRate ? 'requests per second' : 'idle connections');
const placeLabel = (place) => (axisIsRate && place === 0 ? 'closed' : formatCount(place));

function drawEmpty(frame, text) {
  appendText(frame.area, 'empty', frame.width / 2, frame.height / 2, text)
    .attr('text-anchor', 'middle');
}

// With a single place, points would stand on each other; there they are spread side by side.
function dodge(frame, server) {
  if (places.length !== 1) return 0;
  const names = shownServers().map((each) => each.name);
  return (names.indexOf(server) - (names.length - 1) / 2) * dodgeStep(frame);
}

const dodgeStep = (frame) =>
  Math.min(96, (frame.width - 60) / Math.max(1, shownServers().length));

// Draws one server's line, intervals and points; gives back where its label belongs.
function drawServer(frame, run, server) {
  const points = places.map((place) => {
    const cell = cellAtPlace(run, server, place);
    const figure = figureOf(cell, state.metric);
    return figure && {cell, x: frame.x(place) + dodge(frame, server), y: frame.y(figure.median),
      low: isNumber(figure.low) ? frame.y(figure.low) : null,
      high: isNumber(figure.high) ? frame.y(figure.high) : null};
  });
  const present = points.filter(Boolean);
  if (!present.length) return null;
  const group = frame.area.append('g').attr('class', 'server').call(dressAs, server);
  drawIntervals(group, points);
  drawLine(group, points, dashOf(server));
  for (const point of present) {
    const node = drawPoint(group, server, point);
    addTarget(frame, node, point.x, point.y, server,
      () => describeCell(run, point.cell, state.metric));
  }
  const last = present[present.length - 1];
  // Points spread so closely leave no room for labels between them.
  const edge = places.length === 1 && dodgeStep(frame) < 80;
  return {server, x: last.x, y: last.y, edge, path: present.map((point) => [point.x, point.y])};
}

// The symbol says what to think of a figure: hollow when it is suspect, crossed out when invalid,
// with a ring when the server was at its limit.
function drawPoint(group, server, point) {
  const verdict = point.cell.verdict || 'valid';
  const node = group.append('g').attr('class', `point ${verdict.replace(/[^a-z_]/g, '')}`)
    .attr('data-server', server).attr('transform', `translate(${point.x},${point.y})`);
  node.append('circle').attr('class', 'halo').attr('r', 12);
  drawVerdictSymbol(node, symbolPath(server, 52), verdict);
  return node;
}

function drawVerdictSymbol(node, path, verdict) {
  const hollow = verdict === 'suspect' || verdict === 'invalid';
  if (verdict === 'saturated') node.append('circle').attr('class', 'ring').attr('r', 7.5);
  node.append('path').attr('class', hollow ? 'symbol hollow' : 'symbol').attr('d', path);
  if (verdict === 'invalid') node.append('path').attr('class', 'crossed').attr('d', 'M-7,7L7,-7');
}

// The servers without a figure at one place, as a column of letters above the plot.
function drawMissing(frame, run, place) {
  missingMarks(run, place).forEach(({server, outcome, text}, row) => {
    const cell = cellAtPlace(run, server, place) || {
      server, idle_connections: axisIsRate ? state.idle : place,
      rate: axisIsRate ? place : state.rate, outcome: 'not run',
    };
    const [x, y] = [frame.x(place), row * MARK_ROW - frame.strip];
    const group = frame.area.append('g').attr('class', `mark ${outcome.replace(/[^a-z_]/g, '')}`)
      .attr('transform', `translate(${x},${y})`);
    group.call(dressAs, server, text === server ? null : 'quiet');
    group.append('rect').attr('class', 'box').attr('x', -7.5).attr('y', -7.5).attr('width', 15)
      .attr('height', 15).attr('rx', 3);
    appendText(group, 'label letter', 0, 0, MISSING_LETTERS[outcome] || '?')
      .attr('text-anchor', 'middle').attr('dy', '0.35em');
    if (frame.width / Math.max(1, places.length) > 86) {
      appendText(group, 'label mark-name', 12, 0, shorten(text, LABEL_CHARACTERS))
        .attr('dy', '0.35em');
    }
    addTarget(frame, group, x, y, server, () => describeCell(run, cell, state.metric));
  });
}

// What is marked at one place. Many cells that weren't run (an interrupted bench, say) share one
// mark: they say nothing about the servers.
function missingMarks(run, place) {
  const marks = shownServers().map(({name}) => ({server: name, text: name,
    outcome: missingAt(run, name, place)})).filter((mark) => mark.outcome);
  const notRun = marks.filter((mark) => mark.outcome === 'none');
  if (notRun.length < 4) return marks;
  return marks.filter((mark) => mark.outcome !== 'none')
    .concat(Object.assign(notRun[0], {text: `${notRun.length} not run`}));
}

// Says in words which servers ran but have no figure of this kind: they leave no other trace.
function noteUnmeasured(figure, run) {
  const without = shownServers().map((server) => ({
    name: server.name,
    at: places.filter((place) => {
      const cell = cellAtPlace(run, server.name, place);
      return cell && cell.outcome === 'measured' && !figureOf(cell, state.metric);
    }),
  })).filter((server) => server.at.length);
  if (!without.length) return;
  const groups = d3.nest().key((server) => joinWords(server.at.map(placeLabel))).entries(without);
  const noun = axisIsRate ? ' requests/s' : ' idle';
  const texts = groups.map((group) => `${joinWords(
    group.values.map((server) => shorten(server.name, 24)))} at ${group.key}${noun}`);
  figure.append('p').attr('class', 'note')
    .text(`Measured, but without this figure: ${texts.join('; ')}.`);
}

// Explains only the marks that occur.
function drawChartKey(common) {
  const key = d3.select('#charts .key');
  key.selectAll('*').remove();
  const cells = [].concat(...report.runs.map((run) => [].concat(...places.map((place) =>
    shownServers().map((server) => cellAtPlace(run, server.name, place)).filter(Boolean)))));
  const verdicts = new Set(cells.map((cell) => cell.verdict));
  const explained = {saturated: 'the server’s CPU was at its limit',
    suspect: 'suspect: see the verdicts', invalid: 'invalid: don’t use'};
  for (const verdict of Object.keys(explained).filter((each) => verdicts.has(each))) {
    const item = key.append('span').attr('class', 'key-item');
    const svg = new Mark('svg').attr('width', 18).attr('height', 18).attr('aria-hidden', 'true');
    drawVerdictSymbol(svg.append('g').attr('transform', 'translate(9,9)'),
      d3.symbol().size(52)(), verdict);
    item.node().append(toNode(svg));
    item.append('span').text(explained[verdict]);
  }
  const missing = unique([].concat(...report.runs.map((run) => [].concat(...places.map((place) =>
    shownServers().map((server) => missingAt(run, server.name, place)))))).filter(Boolean));
  for (const outcome of missing) {
    const item = key.append('span').attr('class', 'key-item');
    item.append('span').attr('class', 'key-letter').text(MISSING_LETTERS[outcome] || '?');
    item.append('span').text(words(MISSING_WORDS, outcome));
  }
  if (common.values.length && report.runs.some((run) => run.repetitions >= 6)) {
    key.append('span').attr('class', 'key-item').append('span')
      .text(`${places.length > 1 ? 'Shaded' : 'Bars'}: 95 % interval of the median`);
  }
}
