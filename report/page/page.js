'use strict';

// Puts the page together: the controls, and what is drawn again when one of them changes.

// A group of radio buttons that looks like one control. `options` is [{value, text}].
function appendChoice(container, name, legend, options, current, onChange) {
  const group = container.append('fieldset').attr('class', 'choice').attr('data-choice', name);
  group.append('legend').text(legend);
  const labels = group.append('div').attr('class', 'segments').selectAll('label').data(options)
    .join('label');
  labels.append('input').attr('type', 'radio').attr('name', name)
    .attr('value', (option) => option.value)
    .property('checked', (option) => option.value === current)
    .each(function (option) { this.addEventListener('change', () => onChange(option.value)); });
  labels.append('span').text((option) => option.text);
}

function appendSelect(container, name, legend, values, format) {
  if (values.length < 2) return;
  const label = container.append('label').attr('class', 'choice');
  label.append('span').attr('class', 'choice-name').text(legend);
  const select = label.append('select').attr('data-choice', name);
  select.selectAll('option').data(values).join('option').attr('value', (value) => value)
    .text(format);
  select.property('value', String(state[name]));
  select.node().addEventListener('change', () => {
    state[name] = values.find((value) => String(value) === select.property('value'));
    changed();
  });
}

const asNumber = {idle: (value) => formatCount(value),
  rate: (value) => (value > 0 ? formatRate(value) : 'closed loop')};

function drawMetricControls() {
  const options = report.metrics.map(({name}) => ({value: name, text: titleOf(name)}));
  const container = d3.select('#metric-controls');
  if (!options.length) return;
  appendChoice(container, 'metric', 'Figure', options, state.metric, (value) => {
    state.metric = value;
    state.axis = null;
    changed();
  });
}

// These depend on what is chosen, so they are made again; focus stays on the control it was on.
function drawCellControls() {
  const focused = document.activeElement;
  const kept = focused && focused.closest('[data-choice]');
  const section = kept && focused.closest('section').id;
  const container = d3.select('#cell-controls');
  container.selectAll('*').remove();
  const common = commonChart();
  appendChoice(container, 'axis', 'Axis', [{value: 'log', text: 'log axis'},
    {value: 'linear', text: 'linear'}], common.kind, (value) => {
    state.axis = value;
    changed();
  });
  if (axisIsRate) appendSelect(container, 'idle', 'Idle connections', idleCounts, asNumber.idle);
  else appendSelect(container, 'rate', 'Rate', rates, asNumber.rate);
  drawSpectrumControls();
  if (!kept || kept.isConnected) return;
  const again = d3.select(`#${section} [data-choice="${kept.dataset.choice}"]`).node();
  if (again) (again.querySelector('input:checked') || again).focus();
}

function drawSpectrumControls() {
  const container = d3.select('#spectrum-controls');
  container.selectAll('*').remove();
  appendChoice(container, 'from', 'Counted', [{value: 'due', text: 'from when it was due'},
    {value: 'sent', text: 'from when it was sent'}], state.from, (value) => {
    state.from = value;
    changed();
  });
  appendSelect(container, 'idle', 'Idle connections', idleCounts, asNumber.idle);
  appendSelect(container, 'rate', 'Rate', rates, asNumber.rate);
}

// The legend is made of buttons that show and hide a server everywhere.
function drawLegends() {
  d3.selectAll('.legend').each(function () {
    const legend = d3.select(this);
    const buttons = legend.selectAll('button.server-button').data(report.servers).join('button')
      .attr('type', 'button').attr('class', 'server-button').call((selection) => selection
        .each(function (server) {
          const button = d3.select(this).call(dressAs, server.name).attr('title', server.name);
          appendSwatch(button, server.name);
          button.append('span').attr('class', 'name').text(server.name);
          this.addEventListener('click', () => toggleServer(server.name));
        }));
    buttons.attr('data-toggle', (server) => server.name);
    for (const [text, hidden] of [['all', []], ['none', report.servers]]) {
      const button = legend.append('button').attr('type', 'button').attr('class', 'plain')
        .attr('data-legend', text).text(text);
      button.node().addEventListener('click', () => {
        state.hidden = new Set(hidden.map((server) => server.name));
        changed();
      });
    }
  });
}

function toggleServer(name) {
  if (!state.hidden.delete(name)) state.hidden.add(name);
  changed();
}

function draw() {
  hideTooltip();
  d3.selectAll('.server-button')
    .attr('aria-pressed', (server) => String(!state.hidden.has(server.name)));
  const metric = report.metrics.find((each) => each.name === state.metric);
  d3.select('#explanation').text((metric && metric.explanation) || '');
  d3.selectAll('input[name="metric"]')
    .property('checked', function () { return this.value === state.metric; });
  drawCellControls();
  drawCharts();
  drawSpectra();
  drawFigures();
}

function changed() {
  writeState();
  draw();
}

// Paper has no summary to click on, so everything is opened for it and closed again afterwards;
// charts are drawn at the width of a page.
let closedForPaper = [];

function turnToPaper(onPaper) {
  if (onPaper !== paper.on) {
    paper.on = onPaper;
    draw();
  }
  if (onPaper) {
    const closed = Array.from(document.querySelectorAll('details:not([open])'));
    closedForPaper = closedForPaper.concat(closed);
    closed.forEach((details) => { details.open = true; });
  } else {
    closedForPaper.forEach((details) => { details.open = false; });
    closedForPaper = [];
  }
}

function watchWindow() {
  let width = window.innerWidth;
  window.addEventListener('resize', () => {
    if (window.innerWidth === width || window.matchMedia('print').matches) return;
    width = window.innerWidth;
    draw();
  });
  window.addEventListener('hashchange', () => {
    readState();
    draw();
  });
  window.addEventListener('beforeprint', () => turnToPaper(true));
  window.addEventListener('afterprint', () => turnToPaper(false));
  window.matchMedia('print').addListener((query) => turnToPaper(query.matches));
  window.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leaveTargets();
  });
  window.addEventListener('scroll', hideTooltipLeftBehind, {passive: true});
  document.addEventListener('pointerdown', (event) => {
    if (!event.target.closest('svg.chart')) leaveTargets();
  });
}

function start() {
  d3.select('head').append('style').text(pictureStyle());
  readState();
  fillHeading();
  fillFacts();
  fillAnswer();
  drawMetricControls();
  drawLegends();
  draw();
  fillLedger();
  fillVerdicts();
  fillComparison();
  fillSources();
  fillClaims();
  fillContents();
  watchWindow();
  document.documentElement.dataset.ready = 'true';
}

start();
