'use strict';

// The percentile spectrum of one cell: how late an echo was for each share of the requests, from
// the best half to the slowest of all.

function spectrumOf(cell, from) {
  const points = cell && (from === 'due' ? cell.spectrum : cell.spectrum_uncorrected);
  if (!Array.isArray(points)) return null;
  const usable = points.filter((point) => isNumber(point[0]) && isNumber(point[1]));
  return usable.length ? usable : null;
}

// Both ways of counting share the scales, so that switching between them shows the difference.
function commonSpectrum() {
  const values = [];
  let last = 0;
  for (const run of report.runs) {
    for (const server of shownServers()) {
      const cell = findCell(run, server.name, state.idle, state.rate);
      for (const from of ['due', 'sent']) {
        for (const [share, value] of spectrumOf(cell, from) || []) {
          values.push(value);
          if (share < 1) last = Math.max(last, share);
        }
      }
    }
  }
  return {values, last};
}

function drawSpectra() {
  const container = d3.select('#spectrum .charts');
  const common = commonSpectrum();
  const figures = appendFigures(container);
  report.runs.forEach((run, index) => drawSpectrum(figures[index], run, common));
  const key = d3.select('#spectrum .key');
  key.selectAll('*').remove();
  key.append('span').attr('class', 'key-item').text(state.from === 'due'
    ? 'Faint: the same counted from when each message was sent.'
    : 'Faint: the same counted from when each message was due.');
}

function drawSpectrum(figure, run, common) {
  const from = state.from === 'due' ? 'was due' : 'was sent';
  const frame = appendFrame(figure, run, {
    kind: 'spectrum', className: 'chart spectrum', strip: 0,
    title: `Latency of each server by percentile in ${run.label}`,
    description: `Latency in µs from when a message ${from}, beside ${formatIdle(state.idle)}, `
      + `${formatRate(state.rate)}. Arrow keys move from point to point.`,
    yTitle: `Latency from when it ${from}, µs`,
    xTitle: 'share of the requests',
  });
  frame.svg.attr('data-metric', 'spectrum').attr('data-from', state.from);
  frame.x = percentileScale(common.last, frame.width);
  frame.y = valueScale('log', common.values, frame.height, 0);
  drawValueAxis(frame, frame.y, (value) => formatTick('latency_us', value));
  drawPlaceAxis(frame, frame.x.ticks.concat(common.values.length ? 1 : []), frame.x,
    (share) => (share === 1 ? 'max' : formatPercentile(share)));
  const servers = shownServers().map((server) => server.name);
  servers.forEach((server) => drawGhost(frame, run, server));
  const ends = servers.map((server) => drawSpectrumLine(frame, run, server)).filter(Boolean);
  drawLabels(frame, ends);
  if (!ends.length) drawEmpty(frame, 'No latencies were recorded in this cell.');
  showPicture(figure, frame);
}

const spectrumLine = (frame) => d3.line()
  .x((point) => frame.x(point[0])).y((point) => frame.y(point[1]));

// The other way of counting, faintly, so that the gap between the two can be seen.
function drawGhost(frame, run, server) {
  const cell = findCell(run, server, state.idle, state.rate);
  const points = spectrumOf(cell, state.from === 'due' ? 'sent' : 'due');
  if (!points) return;
  frame.area.append('path').attr('class', 'line ghost').call(dressAs, server)
    .attr('d', spectrumLine(frame)(points.filter((point) => point[0] < 1)));
}

function drawSpectrumLine(frame, run, server) {
  const cell = findCell(run, server, state.idle, state.rate);
  const points = spectrumOf(cell, state.from);
  if (!points) return null;
  const group = frame.area.append('g').attr('class', 'server').call(dressAs, server);
  const line = points.filter((point) => point[0] < 1);
  group.append('path').attr('class', 'line').attr('stroke-dasharray', dashOf(server))
    .attr('d', spectrumLine(frame)(line.length ? line : points));
  for (const point of points) {
    const [x, y] = [frame.x(point[0]), frame.y(point[1])];
    const node = group.append('g').attr('class', 'point').attr('data-server', server)
      .attr('transform', `translate(${x},${y})`);
    node.append('circle').attr('class', 'halo').attr('r', 6);
    if (point[0] >= 1) {
      node.append('path').attr('class', 'symbol').attr('d', symbolPath(server, 44));
    }
    addTarget(frame, node, x, y, server, () => describeShare(run, server, point));
  }
  const last = points[points.length - 1];
  return {server, x: frame.x(last[0]), y: frame.y(last[1]), edge: last[0] >= 1};
}

// The latency that a share of the requests kept within: the smallest recorded for it or more.
function latencyAt(points, share) {
  const found = (points || []).find((point) => point[0] >= share);
  return found ? found[1] : null;
}

function describeShare(run, server, [share, latency]) {
  const others = shownServers().map((other) => {
    const cell = findCell(run, other.name, state.idle, state.rate);
    const value = latencyAt(spectrumOf(cell, state.from), share);
    return {server: other.name, current: other.name === server, order: value,
      value: isNumber(value) ? `${formatNumber(value)} µs` : '–'};
  });
  others.sort((a, b) => d3.ascending(isNumber(a.order) ? a.order : Infinity,
    isNumber(b.order) ? b.order : Infinity));
  return {
    server,
    where: `${formatIdle(state.idle)}, ${formatRate(state.rate)}`
      + (report.runs.length > 1 ? `, ${run.label}` : ''),
    value: `${formatPercentile(share)}: ${formatNumber(latency)} µs`,
    details: [share >= 1 ? 'the slowest request of all' : share === 0
      ? 'the fastest request of all' : `${formatPercentile(share)} were at most this slow`],
    others,
  };
}
