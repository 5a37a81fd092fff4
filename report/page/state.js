'use strict';

// What the reader has chosen, and where it is kept: in the part of the address after '#', so that
// a view can be linked. `report` is the document that the program wrote into the page.

const report = JSON.parse(document.getElementById('data').textContent);
for (const list of ['answer', 'caveats', 'metrics', 'servers', 'runs', 'comparisons', 'sources',
  'figures']) {
  report[list] = report[list] || [];
}

const ascending = (values) => unique(values).filter(isNumber).sort(d3.ascending);

const allCells = () => [].concat(...report.runs.map((run) => run.cells || []));
const idleCounts = ascending([].concat(
  ...report.runs.map((run) => run.idle_connections || []),
  allCells().map((cell) => cell.idle_connections)));
const rates = ascending([].concat(
  ...report.runs.map((run) => run.rates || []), allCells().map((cell) => cell.rate)));

// The dimension with more places is the axis of the charts; the other one is chosen.
const axisIsRate = rates.length > idleCounts.length;
const places = axisIsRate ? rates : idleCounts;

// The rate that most cells have is shown first: runs may differ in theirs.
function commonestRate() {
  const counts = d3.nest().key((cell) => cell.rate).rollup((group) => group.length)
    .object(allCells().filter((cell) => cell.outcome === 'measured'));
  const best = d3.scan(rates, (a, b) => (counts[b] || 0) - (counts[a] || 0));
  return best === undefined ? 0 : rates[best];
}

const state = {
  metric: report.metrics.length ? report.metrics[0].name : '',
  axis: null,
  hidden: new Set(),
  idle: idleCounts.length ? idleCounts[idleCounts.length - 1] : 0,
  rate: commonestRate(),
  from: 'due',
};

const cellKey = (server, idle, rate) => JSON.stringify([server, idle, rate]);
const cellsOfRun = new Map(report.runs.map((run) => [run, new Map((run.cells || []).map(
  (cell) => [cellKey(cell.server, cell.idle_connections, cell.rate), cell]))]));

function findCell(run, server, idle, rate) {
  return cellsOfRun.get(run).get(cellKey(server, idle, rate));
}

// The cell of a chart at one place of its axis, beside what is chosen for the other dimension.
function cellAtPlace(run, server, place) {
  return axisIsRate ? findCell(run, server, state.idle, place)
    : findCell(run, server, place, state.rate);
}

function figureOf(cell, metric) {
  const figure = cell && cell.metrics && Object.prototype.hasOwnProperty.call(cell.metrics, metric)
    ? cell.metrics[metric] : null;
  return figure && isNumber(figure.median) ? figure : null;
}

const shownServers = () => report.servers.filter((server) => !state.hidden.has(server.name));

// Reads the view from the address. What isn't in this report is ignored.
function readState() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const choose = (key, known) => {
    const value = known.find((each) => String(each) === wanted.get(key));
    if (value !== undefined) state[key] = value;
  };
  choose('metric', report.metrics.map((metric) => metric.name));
  choose('axis', ['log', 'linear']);
  choose('idle', idleCounts);
  choose('rate', rates);
  choose('from', ['due', 'sent']);
  const names = report.servers.map((server) => server.name);
  state.hidden = new Set(wanted.getAll('hide').filter((name) => names.includes(name)));
}

function writeState() {
  const view = new URLSearchParams({metric: state.metric, idle: state.idle, rate: state.rate});
  if (state.axis) view.set('axis', state.axis);
  if (state.from !== 'due') view.set('from', state.from);
  state.hidden.forEach((name) => view.append('hide', name));
  try {
    history.replaceState(null, '', `#${view}`);
  } catch (refused) {
    // A browser may forbid this to a page from a file; the view is then just not linkable.
  }
}
