'use strict';

// The values of a point, shown beside it on hover, on focus and on touch. One element serves the
// whole page; every text in it is set as text.

const VERDICT_WORDS = {
  valid: 'valid',
  suspect: 'suspect',
  invalid: 'invalid',
  saturated: 'saturated',
  starved: 'starved',
  not_possible: 'not possible',
};

const OUTCOME_WORDS = {
  measured: 'measured',
  starved: 'starved',
  over_limit: 'over its limit',
  not_possible: 'not possible',
  failed: 'failed',
};

const words = (table, key) => table[key] || String(key || '').replace(/_/g, ' ');

// Places the tooltip near (x, y) of the window and never beyond the window's edges.
function placeTooltip(x, y) {
  const node = document.getElementById('tooltip');
  const box = node.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const left = x + 16 + box.width > width ? x - 16 - box.width : x + 16;
  const top = y + 16 + box.height > window.innerHeight ? y - 16 - box.height : y + 16;
  node.style.left = `${Math.max(6, Math.min(left, width - box.width - 6))}px`;
  node.style.top = `${Math.max(6, Math.min(top, window.innerHeight - box.height - 6))}px`;
}

// The tooltip doesn't scroll with its point. What scrolled before it was shown (the browser brings
// what is focused into view) is reported late, and must not hide it.
let shownAtScroll = 0;

function hideTooltipLeftBehind() {
  if (Math.abs(window.scrollY - shownAtScroll) > 8) hideTooltip();
}

function hideTooltip() {
  document.getElementById('tooltip').hidden = true;
}

// `content` is {server, where, value, details: [text], others: [{server, value, current}]}.
function showTooltip(content, x, y) {
  const tooltip = d3.select('#tooltip').property('hidden', false);
  tooltip.selectAll('*').remove();
  const heading = tooltip.append('p').attr('class', 'tooltip-server');
  heading.call(appendSwatch, content.server);
  heading.append('strong').attr('class', 'name').text(content.server);
  tooltip.append('p').attr('class', 'tooltip-where').text(content.where);
  tooltip.append('p').attr('class', 'tooltip-value').text(content.value);
  content.details.forEach((text) => tooltip.append('p').text(text));
  const rows = tooltip.append('table').append('tbody').selectAll('tr').data(content.others)
    .join('tr').classed('current', (other) => other.current);
  rows.append('th').attr('scope', 'row').each(function (other) {
    d3.select(this).call(appendSwatch, other.server);
    d3.select(this).append('span').attr('class', 'name').text(other.server);
  });
  rows.append('td').text((other) => other.value);
  placeTooltip(x, y);
  shownAtScroll = window.scrollY;
}

// What a metric chart says about one cell, with the other servers at the same place.
function describeCell(run, cell, metric) {
  const figure = figureOf(cell, metric);
  const unit = unitOf(metric);
  const value = figure
    ? `${formatMetric(metric, figure.median)} ${formatInterval(metric, figure)} ${unit}`
    : words(OUTCOME_WORDS, cell.outcome);
  const details = [];
  if (figure && cell.trials) {
    const count = (figure.values || []).length || cell.used || cell.trials;
    details.push(`median of ${count < cell.trials ? `${count} of ` : ''}`
      + plural(cell.trials, 'trial')
      + (figure.outliers ? `, ${plural(figure.outliers, 'outlier')}` : ''));
  }
  const ratio = figureOf(cell, 'cpu_ratio_to_floor');
  if (ratio && metric === 'cpu_us_per_request') {
    details.push(`${formatNumber(ratio.median)} ${formatInterval('', ratio)} times the floor’s`);
  }
  if (cell.note) details.push(cell.note);
  if (cell.verdict && cell.verdict !== 'valid') {
    details.push(`Verdict: ${words(VERDICT_WORDS, cell.verdict)}`);
  }
  (cell.reasons || []).forEach((reason) => details.push(reason.sentence));
  return {
    server: cell.server,
    where: `${formatIdle(cell.idle_connections)}, ${formatRate(cell.rate)}`
      + (report.runs.length > 1 ? `, ${run.label}` : ''),
    value: value.replace(/\s+/g, ' ').trim(),
    details: unique(details),
    others: othersBeside(run, cell, metric),
  };
}

// Every shown server beside the same load, the smallest value first, those without one last.
function othersBeside(run, cell, metric) {
  const others = shownServers().map((server) => {
    const other = findCell(run, server.name, cell.idle_connections, cell.rate);
    const figure = figureOf(other, metric);
    const instead = other ? other.note || words(OUTCOME_WORDS, other.outcome) : 'not run';
    return {
      server: server.name,
      current: other === cell,
      order: figure ? figure.median : Infinity,
      value: figure ? formatMetric(metric, figure.median)
        : other && other.outcome === 'measured' ? '–' : instead,
    };
  });
  return others.sort((a, b) => d3.ascending(a.order, b.order));
}
