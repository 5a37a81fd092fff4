'use strict';

// The ledger of all cells, and the comparison of runs. They hold every figure as text, for paper
// and for those who don't see the charts.

// The metrics of the data first, then whatever else was measured.
function ledgerMetrics() {
  const main = report.metrics.map((metric) => metric.name);
  const found = unique([].concat(...allCells().map((cell) => Object.keys(cell.metrics || {}))));
  const measured = (metric) => allCells().some((cell) => figureOf(cell, metric));
  return {
    main: main.filter(measured),
    further: found.filter((metric) => !main.includes(metric)).filter(measured),
  };
}

function fillLedger() {
  const section = d3.select('#ledger');
  const {main, further} = ledgerMetrics();
  if (!allCells().length) section.append('p').text('There are no cells.');
  for (const run of report.runs.filter((each) => (each.cells || []).length)) {
    const label = report.runs.length > 1 ? `: ${shorten(run.label, 60)}` : '';
    appendLedger(section, run, `Main figures${label}`, main, true);
    if (further.length) {
      const more = section.append('details');
      more.append('summary').text(`Further figures${label}`);
      appendLedger(more, run, `Further figures${label}`, further, false);
    }
    fillMissing(section, run);
  }
}

// The order of the servers is that of the legend; loads go from small to large.
function sortedCells(cells) {
  const rank = new Map(report.servers.map((server, index) => [server.name, index]));
  return cells.slice().sort((a, b) => a.rate - b.rate
    || a.idle_connections - b.idle_connections || rank.get(a.server) - rank.get(b.server));
}

function appendLedger(container, run, caption, metrics, withVerdict) {
  const headers = ['server'].concat(metrics.map((metric) => (cell) => metricHeader(cell, metric)))
    .concat(withVerdict ? [leftAligned('verdict')] : []);
  const groups = d3.nest().key((cell) => JSON.stringify([cell.rate, cell.idle_connections]))
    .entries(sortedCells(run.cells));
  const box = container.append('div').attr('class', 'scroll').attr('tabindex', 0)
    .attr('role', 'region').attr('aria-label', caption);
  const table = box.append('table').attr('class', 'ledger').attr('data-run', run.label);
  table.append('caption').text(caption);
  table.append('thead').append('tr').selectAll('th').data(headers).join('th')
    .attr('scope', 'col').each(fillCell);
  for (const group of groups) {
    const [rate, idle] = JSON.parse(group.key);
    const body = table.append('tbody');
    body.append('tr').attr('class', 'group').append('th').attr('scope', 'rowgroup')
      .attr('colspan', headers.length).append('span')
      .text(`${formatIdle(idle)}, ${formatRate(rate)}`);
    group.values.forEach((cell) => appendLedgerRow(body, cell, metrics, withVerdict));
  }
}

function metricHeader(cell, metric) {
  cell.append('span').text(headerOf(metric));
  cell.attr('title', titleOf(metric));
}

function appendLedgerRow(body, cell, metrics, withVerdict) {
  const row = body.append('tr').attr('data-cell-server', cell.server)
    .attr('data-idle', cell.idle_connections).attr('data-rate', cell.rate);
  row.append('th').attr('scope', 'row').each(function () {
    namedServer(cell.server)(d3.select(this));
  });
  for (const metric of metrics) {
    const figure = figureOf(cell, metric);
    const data = row.append('td').attr('data-metric', metric);
    if (!figure) data.attr('class', 'none').text('–');
    else {
      data.append('span').text(formatMetric(metric, figure.median));
      data.append('small').text(formatInterval(metric, figure)
        + (figure.outliers > 0 ? '*'.repeat(Math.min(figure.outliers, 3)) : ''));
    }
  }
  if (!withVerdict) return;
  row.append('td').attr('class', `verdict ${cell.verdict === 'valid' ? 'good' : 'remarkable'}`)
    .text(verdictText(cell));
}

// The verdict and the note, unless the note says the same.
function verdictText(cell) {
  const text = words(VERDICT_WORDS, cell.verdict);
  if (!cell.note) return text;
  return cell.note.startsWith(text) ? cell.note : `${text}: ${cell.note}`;
}

function fillMissing(section, run) {
  if (!(run.missing || []).length) return;
  section.append('h3').text(report.runs.length > 1
    ? `Figures that are missing: ${shorten(run.label, 60)}` : 'Figures that are missing');
  section.append('ul').selectAll('li').data(run.missing).join('li')
    .text((each) => `${joinWords((each.figures || []).map(titleOf))}: ${each.reason}.`);
}

function fillComparison() {
  const section = d3.select('#comparison').property('hidden', report.runs.length < 2);
  for (const comparison of report.comparisons) {
    const title = section.append('h3');
    title.call(appendName, comparison.b);
    title.append('span').text(' against ');
    title.call(appendName, comparison.a);
    fillDifferences(section, comparison);
    (comparison.tables || []).forEach((table, index) => {
      const details = section.append('details').property('open', index === 0);
      details.append('summary').text(`${table.title || titleOf(table.metric)}: `
        + summarizeVerdicts(table.cells || []));
      appendTable(details, `${table.title || table.metric}, ${shorten(comparison.b, 40)} against `
        + shorten(comparison.a, 40), COMPARISON_HEADERS, sortedCells(table.cells || [])
        .map((cell) => comparisonRow(table.metric, cell)));
    });
  }
}

function fillDifferences(section, comparison) {
  const differences = comparison.differences || [];
  if (!differences.length) {
    section.append('p').text('The two machines and plans are recorded as the same.');
    return;
  }
  section.append('p').text('What was different between the two, besides the figures:');
  section.append('ul').attr('class', 'differences').selectAll('li').data(differences).join('li')
    .text((text) => text);
}

function summarizeVerdicts(cells) {
  const counts = d3.nest().key((cell) => cell.verdict).rollup((group) => group.length)
    .entries(cells);
  return counts.map(({key, value}) => `${value} ${key}`).join(', ') || 'nothing to compare';
}

const leftAligned = (text) => (cell) => cell.attr('class', 'verdict').text(text);
const COMPARISON_HEADERS = ['server', 'idle', 'rate', 'first run', 'other run', 'ratio', 'p',
  leftAligned('verdict')];

function comparisonRow(metric, cell) {
  const ratio = !isNumber(cell.ratio) ? '–' : formatNumber(cell.ratio);
  const interval = isNumber(cell.low) && isNumber(cell.high)
    ? `[${formatNumber(cell.low)}, ${formatNumber(cell.high)}]` : '';
  const arrow = {higher: '▲ ', lower: '▼ '}[cell.verdict] || '';
  return [
    namedServer(cell.server),
    formatCount(cell.idle_connections),
    cell.rate > 0 ? formatCount(cell.rate) : 'closed',
    formatMetric(metric, cell.median_a),
    formatMetric(metric, cell.median_b),
    (data) => {
      data.append('span').text(ratio);
      data.append('small').text(interval);
    },
    !isNumber(cell.p_holm) ? '–'
      : cell.p_holm < 0.001 ? '< 0.001' : d3.format('.3f')(cell.p_holm),
    (data) => data.attr('class', `verdict ${arrow ? 'remarkable' : ''}`)
      .text(arrow + (cell.verdict || '')),
  ];
}
